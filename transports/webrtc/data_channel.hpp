// SPDX-License-Identifier: GPL-3.0-or-later
// One data channel as a stream of a tube. For files inside transports/webrtc only.
// Spec: RFC 8831 §6.5 to §6.7.
#pragma once

#include <deque>
#include <memory>

#include "transports/webrtc/data_channels.hpp"

namespace tubes::transports {

/// Bytes of messages in both directions; where a message ends means nothing. Lives on its association's loop, and as
/// long as somebody holds it.
class DataChannel final : public core::Stream, public std::enable_shared_from_this<DataChannel> {
public:
    DataChannel(DataChannels& channels, std::uint16_t id);
    ~DataChannel() override;

    core::TubeId tube() const override { return tube_; }
    void set_handler(Handler* handler) override;
    std::size_t write(ByteView data) override;
    std::size_t writable_size() override;
    void consumed(std::size_t count) override;
    void finish() override;
    void reset(Errc reason) override;
    result<void> send_datagram(ByteView) override { return make_error_code(Errc::unsupported); }
    std::size_t largest_datagram() const override { return 0; }
    std::size_t packet_datagram() const override { return 0; }
    core::FlowCounters flow_counters() const override { return {}; }
    std::uint64_t bytes_sent() const override { return sent_; }
    std::uint64_t bytes_received() const override { return received_; }

    // What its association tells it.
    void receive(ByteView data);
    /// The peer closed the channel.
    void peer_closed();
    /// Sends at most one message; true if more is to be sent and there may be room.
    bool pump();
    void acknowledge() { acknowledge_ = true; }
    /// The association is over, or the tube.
    void lost(error_code reason);

private:
    /// Where it stands. Both sides close their direction; the id is free when both have.
    enum class State : std::uint8_t {
        open,        ///< Both directions are there.
        finishing,   ///< Ours ends once all is sent.
        closing,     ///< Ours is closed, the peer's not yet.
        discarding,  ///< As closing, and what comes is dropped: the program is gone.
        closed,      ///< Nothing follows but what was received before.
    };

    bool can_pump() const noexcept;
    std::size_t room() const noexcept;
    bool send_some();
    void close_ours(State next);
    void release();
    void deliver();
    void deliver_soon();
    void end_with(error_code reason);

    DataChannels* channels_;              ///< Null once the channel is over.
    std::weak_ptr<DataChannels> ledger_;  ///< What came counts until the program took it, also after the end.
    boost::asio::any_io_executor executor_;
    core::TubeId tube_;
    std::uint16_t id_;
    Handler* handler_ = nullptr;
    State state_ = State::open;
    std::deque<core::Bytes> in_;  ///< Came before somebody listened.
    std::size_t owed_ = 0;        ///< Bytes that came and were not consumed().
    core::Bytes out_;             ///< Written and not yet sent, from out_begin_.
    std::size_t out_begin_ = 0;
    bool acknowledge_ = false;  ///< DATA_CHANNEL_ACK is to be sent.
    bool was_full_ = false;     ///< write() took less than it was given.
    bool peer_ended_ = false;   ///< on_end is due or was told.
    bool end_told_ = false;
    bool delivering_ = false;
    std::optional<error_code> ended_;  ///< on_closed is due.
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace tubes::transports
