// SPDX-License-Identifier: GPL-3.0-or-later
// A stream as the mux keeps it: its two flows, its state and its handler.
// Spec: docs/protocol.md, "Streams".
#pragma once

#include <boost/intrusive/list.hpp>

#include "tubes/core/link/flow.hpp"
#include "tubes/core/link/flow_datagrams.hpp"
#include "tubes/core/link/link.hpp"

namespace tubes::core {

template <class Tag>
using StreamHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>,
                                                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using NoticeHook = StreamHook<struct NoticeTag>;  // in a list of streams with an OPEN, RESET or ACK to send
using DataHook = StreamHook<struct DataTag>;      // in a list of streams with data to send

using FlowHook = StreamHook<struct FlowTag>;  // in a list of flows with datagrams to send

/// Datagrams of a flow that nobody has taken over yet; further ones are lost.
inline constexpr std::size_t kMaxEarlyDatagrams = 32;

class StreamImpl;

/// Where frames go; stamps the epoch.
class FrameSink {
public:
    /// False if the path is full or there is none: nothing was taken.
    virtual bool send(const wire::Frame& frame) = 0;

protected:
    ~FrameSink() = default;
};

/// What a stream needs of its mux.
class StreamHost {
public:
    virtual void activate(StreamImpl& stream) = 0;     ///< It has data or its end to send.
    virtual void notify_soon(StreamImpl& stream) = 0;  ///< It has an OPEN, RESET or ACK to send.
    virtual void acknowledge_later(StreamImpl& stream) = 0;
    virtual void reply_gone(std::uint32_t stream) = 0;
    virtual void forget(StreamImpl& stream) = 0;
    virtual void count_in_flight(std::ptrdiff_t change) = 0;  ///< Positive: sent; negative: acknowledged or dropped.
    virtual void count_sent(std::size_t bytes) = 0;           ///< For the first time.
    virtual void count_received(std::size_t bytes) = 0;
    virtual void activate_flow(StreamImpl& stream) = 0;     ///< It has a datagram to send.
    virtual void count_waiting(std::ptrdiff_t change) = 0;  ///< Bytes of datagrams that wait, with their overhead.
    virtual std::size_t largest_datagram() const = 0;
    virtual std::size_t packet_datagram() const = 0;
    virtual SharedPool& send_pool() = 0;
    virtual SharedPool& receive_pool() = 0;
    virtual const LinkLimits& limits() const = 0;
    virtual ports::Scheduler& scheduler() = 0;
    virtual Duration fast_interval() const = 0;  ///< Within this, half a window consumed makes it grow.

protected:
    ~StreamHost() = default;
};

/// See the head of the file.
class StreamImpl final : public Stream,
                         public std::enable_shared_from_this<StreamImpl>,
                         public NoticeHook,
                         public DataHook,
                         public FlowHook {
public:
    StreamImpl(StreamHost& host, std::uint32_t id, const TubeId& tube, bool ours, ReceiveSide receive);

    TubeId tube() const override { return tube_; }
    void set_handler(Handler* handler) override;
    std::size_t write(ByteView data) override;
    std::size_t writable_size() override;
    void consumed(std::size_t count) override;
    void finish() override;
    void reset(Errc reason) override;
    result<void> send_datagram(ByteView datagram) override;
    std::size_t largest_datagram() const override;
    std::size_t packet_datagram() const override;
    FlowCounters flow_counters() const override;
    std::uint64_t bytes_sent() const override;
    std::uint64_t bytes_received() const override;

    /// What users hold: dropping the last handle resets the stream, or lets it end if it was finished.
    std::shared_ptr<Stream> make_handle();

    // For the mux.
    std::uint32_t id() const noexcept { return id_; }
    void allow(std::uint64_t limit);  ///< Credit that needs no ACK: the initial window.
    result<void> on_data(const wire::Frame& frame);
    result<void> on_ack(const wire::Frame& frame);
    result<void> on_repeated_open(ByteView tube);
    void on_reset(Errc reason);
    void on_gone();
    void request_ack() { schedule_ack(true); }
    void check_room();  ///< Tells a waiting writer if it may go on.
    /// Everything unacknowledged is to be sent again; true if OPEN, RESET or ACK are among it.
    bool rewind();
    bool needs_open() const noexcept { return open_due_; }
    bool send_notices(FrameSink& sink);  ///< False if the sink is full.
    bool has_data() const noexcept { return state_ == State::open && send_.has_work(); }
    std::size_t backlog() const noexcept { return send_.sendable(); }
    /// Sends one DATA frame; its size, or 0 if the sink is full.
    std::size_t send_data(FrameSink& sink);
    void on_datagram(const wire::Frame& frame);
    bool has_datagrams() const noexcept { return flow_ && !flow_->is_empty(); }
    bool has_several_datagrams() const noexcept { return flow_ && flow_->count() > 1; }
    void drop_datagram();  ///< The oldest that waits; there is one.
    /// Sends one DATAGRAM frame; its size, or 0 if the sink is full.
    std::size_t next_datagram(FrameSink& sink);
    /// Leaves the mux: the link is over.
    void detach(error_code reason);

    std::ptrdiff_t deficit = 0;  ///< Of the mux's round robin, bytes.

private:
    enum class State : std::uint8_t {
        open,       // in use, in one direction at least
        ending,     // over for both applications; the last ACK is still to be sent
        resetting,  // reset by us; the peer has not said GONE
        dead,       // unknown to the mux
    };

    FlowDatagrams& flow();
    template <class Change>
    void change_waiting(Change&& change);
    void drop_datagrams();
    void deliver_datagrams();
    void abandon();
    void take(ByteView fresh);
    void deliver();
    void deliver_data();
    void deliver_end();
    void schedule_delivery();
    void schedule_ack(bool now);
    void check_finished();
    void forget_if_idle();
    void leave();
    void end_with(State state, error_code reason);
    std::size_t base() const noexcept;
    std::size_t send_extra() const noexcept;
    std::size_t send_capacity() const noexcept;
    std::size_t send_room() const noexcept;
    template <class Change>
    void change_send_queue(Change&& change);

    StreamHost* host_;
    ports::Scheduler& scheduler_;
    Handler* handler_ = nullptr;
    TubeId tube_;
    std::uint32_t id_;
    State state_ = State::open;
    bool open_due_;
    bool open_sent_ = false;
    bool open_acknowledged_;
    bool ack_due_ = false;
    bool reset_due_ = false;
    bool wants_room_ = false;
    bool delivering_ = false;
    bool delivery_scheduled_ = false;
    bool discards_ = false;  // nobody listens any more, but the written data is still to arrive
    bool end_delivered_ = false;
    bool over_ = false;
    bool gone_ = false;  // the peer knows the stream no more
    error_code reason_;
    SendSide send_;
    ReceiveSide receive_;
    ByteQueue pending_;  // received, not yet taken by a handler
    std::uint64_t delivered_ = 0;
    std::unique_ptr<FlowDatagrams> flow_;  // once it has carried a datagram
    std::deque<Bytes> early_;              // datagrams that wait for a handler
};

}  // namespace tubes::core
