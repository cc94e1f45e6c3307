// SPDX-License-Identifier: GPL-3.0-or-later
// One SCTP association over a datagram path: ordered, reliable messages on numbered streams.
// Spec: RFC 9260; RFC 8261 §5; RFC 8831 §6.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "transports/datagram_path.hpp"
#include "transports/sctp/sctp_socket.hpp"
#include "transports/sctp/sctp_stack.hpp"
#include "transports/sctp/send_window.hpp"
#include "tubes/core/ports/message_path.hpp"

namespace tubes::transports {

/// Lives on one loop; the process's other associations may live on others. Streams 0 to 31 are the lanes of a message
/// path, stream 32 is that of datagrams, with payload protocol 53 (WebRTC binary, RFC 8831 §8), at most
/// core::ports::kMaxMessageSize bytes a message. With SctpSettings::foreign, streams and protocols are the handler's.
class SctpAssociation final : public std::enable_shared_from_this<SctpAssociation>,
                              public SctpUser,
                              private DatagramPath::Handler {
public:
    /// Told while a datagram is handled or from a posted call, never inside a call to the association.
    class Handler {
    public:
        virtual void on_sctp_open() = 0;
        /// `message` is valid during the call only.
        virtual void on_sctp_message(core::ports::Lane lane, ByteView message) = 0;
        /// Of a foreign peer, instead of on_sctp_message: a message, or the next piece of one, as it came.
        virtual void on_sctp_input(const SctpInput& input) { static_cast<void>(input); }
        /// A foreign peer has closed its direction of a stream; all it sent there has been told.
        virtual void on_sctp_reset(std::uint16_t stream) { static_cast<void>(stream); }
        virtual void on_sctp_writable() = 0;
        /// Once, and nothing after it: end_of_stream (the peer shut down in order, or our shutdown() is complete),
        /// broken (aborted, or the peer stopped answering), no_path (never opened), protocol_violation.
        virtual void on_sctp_closed(error_code reason) = 0;

    protected:
        ~Handler() = default;
    };

    /// `lower` outlives the association or its close(). Packets that come before open() are held, so that an INIT of a
    /// peer who is ready first is not refused.
    static std::shared_ptr<SctpAssociation> create(boost::asio::any_io_executor executor,
                                                   std::shared_ptr<SctpStack> stack, DatagramPath& lower,
                                                   SctpSettings settings = {});
    ~SctpAssociation();

    /// Begins the association; on_sctp_open or on_sctp_closed follows. Once.
    void open(Handler& handler);

    /// One message of `header` and `payload`; false if the send window is full, then on_sctp_writable follows.
    bool send(core::ports::Lane lane, ByteView header, ByteView payload);
    void flush() { lower_.flush(); }

    /// To a foreign peer: one message of `protocol` on `stream`; otherwise as above.
    bool send_to_foreign(std::uint16_t stream, std::uint32_t protocol, ByteView message);
    /// From a foreign peer nothing is taken while paused, so that it stops sending when its window is full.
    void pause_reading(bool paused);
    /// Closes our direction of a stream to a foreign peer after what was taken for it.
    void reset_stream(std::uint16_t stream);

    /// Sends what was taken and ends in order; on_sctp_closed(end_of_stream) follows unless the path is lost first.
    void shutdown();
    /// Ends at once; the peer sees an ABORT if it can still be reached. No callback follows. Idempotent.
    void close();

    const SendWindow& window() const noexcept { return window_; }
    std::uint64_t bytes_received() const noexcept { return bytes_received_; }

    void on_sctp_events() override;

private:
    using Clock = std::chrono::steady_clock;

    SctpAssociation(boost::asio::any_io_executor executor, std::shared_ptr<SctpStack> stack, DatagramPath& lower,
                    SctpSettings settings);
    void on_datagram(ByteView datagram) override;

    /// Where an entry comes from: from above, where nothing may be called back before it returns, or from an event.
    enum class Context : std::uint8_t { call, event };

    template <class Body>
    void enter(Context context, Body&& body);
    void handle(SctpEvents& events, Context context);
    void send_packets(SctpEvents& events);
    bool has_room(std::size_t size);
    bool hand_over(std::uint16_t stream, std::uint32_t protocol, SctpDelivery delivery, ByteView message);
    void read();
    void take_read(SctpEvents& events);
    void handle_inputs(std::vector<SctpInput>& inputs);
    void handle_input(SctpInput& input);
    void handle_notification(ByteView notification);
    void handle_message(const SctpInput& input);
    void receive(ByteView datagram);
    void handle_later();
    void finish(error_code reason);
    void note_activity();
    void follow_round_trip();
    void arm_timer(Clock::duration delay);

    boost::asio::any_io_executor executor_;
    std::shared_ptr<SctpStack> stack_;
    DatagramPath& lower_;
    Handler* handler_ = nullptr;
    SctpId id_ = 0;
    SctpSocketPtr socket_;
    SctpSettings settings_;
    bool open_ = false;
    bool closed_ = false;
    bool full_ = false;    ///< send() returned false since the last on_sctp_writable.
    bool failed_ = false;  ///< usrsctp refused a message: the association is over, the news is on its way.
    std::deque<core::Bytes> early_;
    std::vector<SctpInput> deferred_;
    std::vector<std::unique_ptr<SctpEvents>> spare_;
    std::array<core::Bytes, core::ports::kLaneCount> partial_;
    bool cut_ = false;     ///< The datagram under way was not delivered whole.
    bool paused_ = false;  ///< pause_reading()
    // Of a foreign peer, from the entry under way.
    std::vector<SctpInput> read_;
    std::optional<std::size_t> queued_;
    core::Bytes scratch_;
    SendWindow window_;
    std::size_t congestion_window_ = 0;
    std::uint64_t bytes_received_ = 0;
    boost::asio::steady_timer timer_;
    std::chrono::milliseconds minimum_timeout_{0};
    bool slow_ = false;  ///< The timer runs at the slow tick.
    Clock::time_point last_activity_;
};

}  // namespace tubes::transports
