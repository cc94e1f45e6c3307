// SPDX-License-Identifier: GPL-3.0-or-later
// A stream between its application and the mux.
#include "tubes/core/link/stream_impl.hpp"

#include <algorithm>

namespace tubes::core {

StreamImpl::StreamImpl(StreamHost& host, std::uint32_t id, const TubeId& tube, bool ours, ReceiveSide receive)
    : host_(&host),
      scheduler_(host.scheduler()),
      tube_(tube),
      id_(id),
      open_due_(ours),
      open_acknowledged_(!ours),
      receive_(receive) {}

std::shared_ptr<Stream> StreamImpl::make_handle() {
    return std::shared_ptr<Stream>(this, [self = shared_from_this()](Stream*) { self->abandon(); });
}

void StreamImpl::set_handler(Handler* handler) {
    handler_ = handler;
    if (handler_ != nullptr && (!pending_.empty() || !early_.empty() || receive_.has_end() || over_))
        schedule_delivery();
}

void StreamImpl::abandon() {
    handler_ = nullptr;
    if (state_ != State::open) return;
    if (!send_.is_finished()) return reset(Errc::cancelled);
    discards_ = true;
    schedule_delivery();
}

// --- sending

std::size_t StreamImpl::base() const noexcept {
    return 2 * host_->limits().minimum_window;
}

std::size_t StreamImpl::send_extra() const noexcept {
    return id_ == 0 || send_.queue.size() <= base() ? 0 : send_.queue.size() - base();
}

// What may be buffered: what the peer would take now and a little more, so that a stalled stream costs little.
std::size_t StreamImpl::send_capacity() const noexcept {
    const auto& limits = host_->limits();
    if (id_ == 0) return limits.control_queue;
    const auto credit = static_cast<std::size_t>(send_.limit() - std::min(send_.limit(), send_.queue.begin()));
    const auto shared = base() + host_->send_pool().share(send_extra());
    return std::max(base(), std::min({limits.stream_send_buffer, credit + limits.minimum_window, shared}));
}

template <class Change>
void StreamImpl::change_send_queue(Change&& change) {
    const auto before = send_extra();
    change();
    host_->send_pool().change(before, send_extra());
}

std::size_t StreamImpl::write(ByteView data) {
    if (state_ != State::open || send_.is_finished()) return 0;
    const auto count = std::min(send_room(), data.size());
    if (count > 0) {
        change_send_queue([&] { send_.queue.append(data.first(count)); });
        if (send_.has_work()) host_->activate(*this);
    }
    if (count < data.size()) wants_room_ = true;
    return count;
}

std::size_t StreamImpl::writable_size() {
    if (state_ != State::open || send_.is_finished()) return 0;
    const auto room = send_room();
    if (room == 0) wants_room_ = true;
    return room;
}

std::size_t StreamImpl::send_room() const noexcept {
    const auto capacity = send_capacity();
    return capacity - std::min(capacity, send_.queue.size());
}

void StreamImpl::finish() {
    if (state_ != State::open || send_.is_finished()) return;
    send_.finish();
    if (send_.has_work()) host_->activate(*this);
}

void StreamImpl::check_room() {
    if (!wants_room_ || state_ != State::open) return;
    const auto capacity = send_capacity();
    if (send_.queue.size() + capacity / 4 > capacity) return;  // not worth a call yet
    wants_room_ = false;
    scheduler_.post([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && self->state_ == State::open && self->handler_ != nullptr) self->handler_->on_writable();
    });
}

void StreamImpl::allow(std::uint64_t limit) {
    send_.allow(limit);
    if (state_ != State::open) return;
    if (send_.has_work()) host_->activate(*this);
    check_room();
}

std::size_t StreamImpl::send_data(FrameSink& sink) {
    auto frame = send_.next_frame();
    frame.stream = id_;
    if (!sink.send(frame)) return 0;
    const auto fresh = send_.sent(frame);
    host_->count_in_flight(static_cast<std::ptrdiff_t>(fresh));
    if (id_ != 0) host_->count_sent(fresh);
    return frame.payload.size() + wire::kDataHeader;
}

bool StreamImpl::send_notices(FrameSink& sink) {
    wire::Frame frame;
    frame.stream = id_;
    if (open_due_) {
        frame.type = wire::FrameType::open;
        frame.payload = tube_.view();
        if (!sink.send(frame)) return false;
        open_due_ = false;
        open_sent_ = true;
    }
    if (reset_due_) {
        frame.type = wire::FrameType::reset;
        frame.payload = {};
        frame.value = static_cast<std::uint64_t>(reason_.value());
        if (!sink.send(frame)) return false;
        reset_due_ = false;
    }
    if (ack_due_) {
        frame = receive_.acknowledge(host_->receive_pool());
        frame.stream = id_;
        if (!sink.send(frame)) return false;
        ack_due_ = false;
    }
    NoticeHook::unlink();
    forget_if_idle();
    return true;
}

bool StreamImpl::rewind() {
    send_.rewind();
    open_due_ = !open_acknowledged_;
    reset_due_ = state_ == State::resetting;
    ack_due_ = state_ != State::resetting && !receive_.is_untouched();
    return open_due_ || reset_due_ || ack_due_;
}

result<void> StreamImpl::on_ack(const wire::Frame& frame) {
    open_acknowledged_ = true;
    if (state_ != State::open) return {};
    result<std::size_t> fresh = std::size_t{0};
    change_send_queue([&] { fresh = send_.acknowledge(frame); });
    if (!fresh) return fresh.error();
    if (*fresh > 0) host_->count_in_flight(-static_cast<std::ptrdiff_t>(*fresh));
    if (send_.has_work()) host_->activate(*this);
    check_room();
    check_finished();
    return {};
}

// --- receiving

// The ACK of the first OPEN was lost with its path.
result<void> StreamImpl::on_repeated_open(ByteView tube) {
    if (open_sent_ || !std::equal(tube.begin(), tube.end(), tube_.bytes.begin())) {
        return make_error_code(Errc::protocol_violation);
    }
    if (state_ != State::resetting) schedule_ack(true);
    return {};
}

result<void> StreamImpl::on_data(const wire::Frame& frame) {
    if (state_ == State::resetting) return {};  // sent before the peer saw our RESET
    const bool had_end = receive_.has_end();
    const auto fresh = receive_.accept(frame);
    if (!fresh) return fresh.error();
    if (id_ != 0) host_->count_received(fresh->size());
    const bool repeated = fresh->size() < frame.payload.size() || had_end;
    const bool ended = receive_.has_end();
    if (!fresh->empty()) take(*fresh);
    if (host_ == nullptr || state_ == State::dead || state_ == State::resetting) return {};
    if (ended && !had_end) {
        schedule_ack(true);  // before the end is told: a finished stream is forgotten once it owes nothing
        if (handler_ != nullptr && pending_.empty() && !delivering_) {
            deliver_end();
        } else {
            schedule_delivery();
        }
        if (host_ == nullptr || state_ == State::dead || state_ == State::resetting) return {};
    }
    schedule_ack(repeated || receive_.is_ack_step_reached());
    return {};
}

void StreamImpl::take(ByteView fresh) {
    if (discards_) {
        delivered_ += fresh.size();
        return consumed(fresh.size());
    }
    if (handler_ == nullptr || !pending_.empty() || delivering_) {
        pending_.append(fresh);
        return;
    }
    delivered_ += fresh.size();
    delivering_ = true;
    handler_->on_data(fresh);
    delivering_ = false;
}

void StreamImpl::schedule_ack(bool now) {
    ack_due_ = true;
    if (now) {
        host_->notify_soon(*this);
    } else if (!NoticeHook::is_linked()) {
        host_->acknowledge_later(*this);
    }
}

void StreamImpl::consumed(std::size_t count) {
    const auto owed = delivered_ - receive_.consumed();
    if (host_ == nullptr || owed == 0) return;
    receive_.consume(std::min<std::uint64_t>(count, owed), scheduler_.now(), host_->fast_interval(),
                     host_->receive_pool());
    if (state_ == State::open && receive_.wants_grant(host_->receive_pool())) schedule_ack(true);
}

void StreamImpl::schedule_delivery() {
    if (delivery_scheduled_) return;
    delivery_scheduled_ = true;
    scheduler_.post([self = shared_from_this()] {
        self->delivery_scheduled_ = false;
        self->deliver();
    });
}

void StreamImpl::deliver() {
    deliver_data();
    deliver_datagrams();
    if (state_ == State::open && pending_.empty() && receive_.has_end()) deliver_end();
    if (!over_ || handler_ == nullptr) return;
    auto* handler = handler_;
    handler_ = nullptr;
    handler->on_closed(reason_);
}

void StreamImpl::deliver_data() {
    if (discards_ && state_ == State::open) {
        delivered_ += pending_.size();
        const auto count = pending_.size();
        pending_.clear();
        consumed(count);
    }
    while (handler_ != nullptr && state_ == State::open && !pending_.empty()) {
        const auto view = pending_.peek(pending_.begin(), wire::kMaxPayload);
        delivered_ += view.size();
        delivering_ = true;
        handler_->on_data(view);  // may reset the stream: the bytes stay until it returns
        delivering_ = false;
        pending_.release(pending_.begin() + view.size());
    }
    if (state_ != State::open) pending_.clear();
}

void StreamImpl::deliver_end() {
    if (end_delivered_ || (handler_ == nullptr && !discards_)) return;
    end_delivered_ = true;
    if (handler_ != nullptr) handler_->on_end();
    if (state_ == State::open) check_finished();
}

// --- the end

void StreamImpl::check_finished() {
    if (state_ != State::open || !end_delivered_ || !send_.is_end_acknowledged()) return;
    end_with(State::ending, {});
    forget_if_idle();
}

void StreamImpl::forget_if_idle() {
    if (state_ == State::ending && (gone_ || !ack_due_)) leave();
}

void StreamImpl::leave() {
    auto* host = host_;
    state_ = State::dead;
    host_ = nullptr;
    host->forget(*this);
}

void StreamImpl::reset(Errc reason) {
    if (state_ != State::open) return;
    const bool unknown_to_peer = !open_sent_ && open_due_;
    end_with(State::resetting, reason);
    if (unknown_to_peer || gone_) return leave();
    ack_due_ = false;
    reset_due_ = true;
    host_->notify_soon(*this);
}

void StreamImpl::on_reset(Errc reason) {
    host_->reply_gone(id_);
    if (state_ == State::resetting) return;  // both at once: ours still waits for its GONE
    if (state_ == State::open) end_with(State::dead, reason);
    leave();
}

void StreamImpl::on_gone() {
    gone_ = true;
    if (state_ == State::open && send_.was_end_sent() && receive_.has_end()) {
        host_->count_in_flight(-static_cast<std::ptrdiff_t>(send_.in_flight()));
        change_send_queue([&] { send_.acknowledge_all(); });
        ack_due_ = false;
        return check_finished();
    }
    if (state_ == State::open) end_with(State::dead, Errc::connection_reset);
    leave();
}

void StreamImpl::end_with(State state, error_code reason) {
    state_ = state;
    reason_ = reason;
    over_ = true;
    wants_room_ = false;
    DataHook::unlink();
    drop_datagrams();
    host_->count_in_flight(-static_cast<std::ptrdiff_t>(send_.in_flight()));
    change_send_queue([&] { send_.queue.clear(); });
    receive_.close(host_->receive_pool());
    if (!delivering_) pending_.clear();
    schedule_delivery();
}

void StreamImpl::detach(error_code reason) {
    if (state_ == State::open) end_with(State::dead, reason);
    state_ = State::dead;
    NoticeHook::unlink();
    host_ = nullptr;
}

}  // namespace tubes::core
