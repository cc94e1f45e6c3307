// SPDX-License-Identifier: GPL-3.0-or-later
// The data channels of one association with a foreign peer: each one that the peer opens is a stream of a tube.
// Spec: RFC 8831 §6 (channels), RFC 8832 (opening), RFC 6525 (closing).
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <map>
#include <memory>

#include "transports/sctp/sctp_association.hpp"
#include "transports/webrtc/dcep.hpp"
#include "tubes/core/link/stream.hpp"

namespace tubes::transports {

class DataChannel;

/// The largest message that is taken from a peer; what Chromium says of itself too.
inline constexpr std::size_t kLargestWebMessage = 256 * 1024;
/// Channels at once: open, closed by one side only, or over with a program that has not taken everything.
inline constexpr std::size_t kMaxDataChannels = 256;
/// SCTP streams in each direction: ids of channels are below.
inline constexpr std::uint16_t kWebStreams = 1024;

/// Lives on the association's loop. Data channels know neither half-close nor a window of their own: when one direction
/// of a channel ends, so does the other; and while the programs behind the channels have not taken kMaxWaiting bytes,
/// nothing more is read of the whole association, so that the peer's buffer fills.
class DataChannels final : public SctpAssociation::Handler, public std::enable_shared_from_this<DataChannels> {
public:
    /// Told from an event, never inside a call.
    class Events {
    public:
        virtual void on_channels_open() = 0;
        virtual void on_channel(std::shared_ptr<core::Stream> stream) = 0;
        /// Once, and nothing after it; reasons as of SctpAssociation, and protocol_violation, limit_exceeded.
        virtual void on_channels_closed(error_code reason) = 0;

    protected:
        ~Events() = default;
    };

    /// `lower` outlives it or its close().
    static std::shared_ptr<DataChannels> create(boost::asio::any_io_executor executor, DatagramPath& lower,
                                                const core::TubeId& tube, Events& events);
    ~DataChannels();

    /// Begins the association; once.
    void open();
    /// Resets every channel and ends the association. No event follows; streams hear of it. Idempotent.
    void close(Errc reason);

    std::size_t channels() const noexcept { return alive_; }
    /// Bytes that came and that no program has taken yet.
    std::size_t waiting() const noexcept { return waiting_; }
    const SctpAssociation& association() const noexcept { return *association_; }

    static constexpr std::size_t kMaxWaiting = 1024 * 1024;

private:
    friend class DataChannel;

    DataChannels(boost::asio::any_io_executor executor, DatagramPath& lower, const core::TubeId& tube, Events& events);

    void on_sctp_open() override;
    void on_sctp_message(core::ports::Lane, ByteView) override {}
    void on_sctp_input(const SctpInput& input) override;
    void on_sctp_reset(std::uint16_t stream) override;
    void on_sctp_writable() override { pump(); }
    void on_sctp_closed(error_code reason) override;

    void on_control(std::uint16_t stream, ByteView message);
    void accept(std::uint16_t stream, const DataChannelOpen& open);
    void refuse(std::uint16_t stream);
    bool check_message(const SctpInput& input);
    void fail(Errc reason);

    void pump();
    void pump_soon();
    void add_waiting(std::size_t count);
    void remove_waiting(std::size_t count);
    void forget(std::uint16_t stream);

    boost::asio::any_io_executor executor_;
    core::TubeId tube_;
    Events* events_;
    std::shared_ptr<SctpAssociation> association_;
    std::map<std::uint16_t, std::shared_ptr<DataChannel>> channels_;
    std::map<std::uint16_t, std::size_t> partial_;  ///< Bytes so far of messages that are not complete.
    core::Bytes control_;                           ///< Of a control message that is not complete.
    std::size_t alive_ = 0;                         ///< DataChannel objects.
    std::size_t waiting_ = 0;
    std::uint16_t next_ = 0;  ///< Whose turn it is to send.
    bool pump_posted_ = false;
    bool closed_ = false;
};

}  // namespace tubes::transports
