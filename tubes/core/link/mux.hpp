// SPDX-License-Identifier: GPL-3.0-or-later
// The mux: all streams of a link, who sends next, and what happens to them when the path changes.
// Spec: docs/protocol.md, "Streams".
#pragma once

#include <set>
#include <unordered_map>

#include "tubes/core/link/stream_impl.hpp"

namespace tubes::core {

/// Frames of streams in, frames of streams out. Knows no path: its host gives it one to send on and says when that
/// changed. Lives in its host; every call may end with the host closed, after which nothing more is sent.
class Mux final : public StreamHost {
public:
    class Host : public FrameSink {
    public:
        virtual void on_work() = 0;  ///< There is something to send: call pump() later in this loop turn.
        virtual void on_stream(std::shared_ptr<Stream> stream) = 0;
        virtual void on_progress() = 0;  ///< The peer has acknowledged something.

    protected:
        ~Host() = default;
    };

    Mux(Host& host, ports::Scheduler& scheduler, LinkRole role, const LinkLimits& limits);
    ~Mux() { shutdown(make_error_code(Errc::broken)); }
    Mux(const Mux&) = delete;
    Mux& operator=(const Mux&) = delete;

    /// The peer's word, once: what it grants every new stream, and how many we may have open.
    void set_peer_limits(std::uint32_t initial_window, std::uint32_t stream_limit);
    /// The peer's word, once: feature bits that both sides have.
    void set_features(std::uint64_t common) noexcept { has_datagrams_ = (common & wire::kFeatureDatagrams) != 0; }
    /// The path in use sends messages of up to `packet_size` bytes in one packet.
    void set_packet_size(std::size_t packet_size) noexcept { packet_size_ = packet_size; }
    void set_rtt(Duration rtt) noexcept { rtt_ = rtt; }

    /// limit_exceeded.
    result<std::shared_ptr<StreamImpl>> open_stream(const TubeId& tube);
    /// The control stream: id 0, lane 0, never closed, before all others.
    StreamImpl& control() noexcept { return *control_; }

    /// One frame of a stream, of the current epoch. protocol_violation, limit_exceeded: the link is to be closed.
    result<void> receive(const wire::Frame& frame);

    /// Sends until nothing is left, the path is full, or a slice is over (then asks for another call).
    void pump();
    /// The link has moved: everything unacknowledged is due again.
    void resume();
    /// All streams end with `reason`. Idempotent.
    void shutdown(error_code reason);

    std::size_t stream_count() const noexcept { return table_.size() - (table_.empty() ? 0 : 1); }
    /// Content of the largest datagram; 0 if the peer takes none. And of one that travels in one packet.
    std::size_t largest_datagram() const override { return has_datagrams_ ? wire::kMaxDatagram : 0; }
    std::size_t packet_datagram() const override;
    std::size_t in_flight() const noexcept { return in_flight_; }
    std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
    std::uint64_t bytes_received() const noexcept { return bytes_received_; }

private:
    template <class Hook>
    using List = boost::intrusive::list<StreamImpl, boost::intrusive::base_hook<Hook>,
                                        boost::intrusive::constant_time_size<false>>;

    void activate(StreamImpl& stream) override;
    void notify_soon(StreamImpl& stream) override;
    void acknowledge_later(StreamImpl& stream) override;
    void reply_gone(std::uint32_t stream) override;
    void forget(StreamImpl& stream) override;
    void count_in_flight(std::ptrdiff_t change) override;
    void count_sent(std::size_t bytes) override { bytes_sent_ += bytes; }
    void count_received(std::size_t bytes) override { bytes_received_ += bytes; }
    void activate_flow(StreamImpl& stream) override;
    void count_waiting(std::ptrdiff_t change) override;
    SharedPool& send_pool() override { return send_pool_; }
    SharedPool& receive_pool() override { return receive_pool_; }
    const LinkLimits& limits() const override { return limits_; }
    ports::Scheduler& scheduler() override { return scheduler_; }
    Duration fast_interval() const override { return 4 * rtt_; }

    bool is_ours(std::uint32_t id) const noexcept { return id % 2 == (role_ == LinkRole::initiator ? 1 : 0); }
    ReceiveSide make_receive_side() const;
    result<void> receive_datagram(const wire::Frame& frame);
    result<void> receive_ack(StreamImpl& stream, const wire::Frame& frame);
    result<void> receive_unknown(const wire::Frame& frame);
    result<void> accept(const wire::Frame& frame);
    bool send_notices();
    bool send_gone();
    bool send_from(StreamImpl& stream);
    bool send_datagram();
    StreamImpl* next_sender() noexcept;

    Host& host_;
    ports::Scheduler& scheduler_;
    LinkRole role_;
    LinkLimits limits_;
    SharedPool send_pool_;
    SharedPool receive_pool_;
    std::unordered_map<std::uint32_t, std::shared_ptr<StreamImpl>> table_;
    std::shared_ptr<StreamImpl> control_;
    List<NoticeHook> notices_;
    List<NoticeHook> later_;  // acknowledgements that may wait for the timer
    List<DataHook> urgent_;   // became active with little data: before the others, for one quantum
    List<DataHook> bulk_;
    List<FlowHook> flows_;                                // with datagrams that wait, one each in turn
    std::size_t waiting_ = 0;                             // bytes of these datagrams
    std::ptrdiff_t datagram_turn_ = wire::kDatagramTurn;  // bytes of datagrams before a stream's turn
    bool has_datagrams_ = true;                           // until the peer says otherwise
    std::size_t packet_size_ = wire::kMaxMessage;
    std::set<std::uint32_t> gone_;                           // closed streams that the peer still speaks of
    std::array<std::uint32_t, ports::kLaneCount> opened_{};  // highest id that the peer opened, per lane
    std::unique_ptr<ports::Scheduler::Timer> ack_timer_;
    bool ack_timer_armed_ = false;
    Duration rtt_;
    std::uint32_t next_id_;
    std::uint32_t ours_ = 0;  // entries of the table begun by us, and by the peer
    std::uint32_t theirs_ = 0;
    std::uint32_t peer_stream_limit_;
    std::uint32_t peer_window_ = 0;
    std::size_t in_flight_ = 0;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_received_ = 0;
    std::size_t slice_ = 0;
    bool closed_ = false;
};

}  // namespace tubes::core
