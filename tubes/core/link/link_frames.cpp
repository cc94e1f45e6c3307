// SPDX-License-Identifier: GPL-3.0-or-later
// What a link does with the frames that arrive on its paths.
#include "tubes/core/link/link_core.hpp"
#include "tubes/core/link/proof.hpp"
#include "tubes/core/wire/errc.hpp"

namespace tubes::core {

using wire::FrameType;

void LinkCore::add_path(std::unique_ptr<ports::MessagePath> path, std::uint32_t generation) {
    if (closed_) return path->close();
    if (slots_.size() >= wire::kMaxPaths) {
        scheduler_.post([weak = weak_from_this(), kind = path->info().kind] {
            const auto self = weak.lock();
            if (self && self->handler_ != nullptr) {
                self->handler_->on_path_refused(kind, make_error_code(Errc::limit_exceeded));
            }
        });
        return path->close();
    }
    auto slot = std::make_shared<PathSlot>(static_cast<PathSlot::Owner&>(*this), std::move(path), generation);
    slots_.push_back(slot);
    const auto deadline = scheduler_.now() + configuration_.limits.proof_deadline;
    slot->proof_deadline = scheduler_.call_at(deadline, [weak = weak_from_this(), unproven = std::weak_ptr(slot)] {
        const auto self = weak.lock();
        const auto late = unproven.lock();
        if (self && late && late->state == PathSlot::State::proving) self->refuse(*late, Errc::timed_out);
    });
    slot->last_received = scheduler_.now();
    slot->start();
    const auto hello = make_hello({configuration_, slot->path().channel_binding(), generation}, identity_);
    const auto payload = wire::encode(hello);
    wire::Frame frame;
    frame.type = FrameType::hello;
    frame.payload = payload;
    slot->queue(frame);
}

void LinkCore::on_slot_writable(PathSlot& slot) {
    const auto self = shared_from_this();
    slot.drain();
    slot.flush();
    if (closed_) return finish_when_told();
    if (&slot == active_) pump();
}

void LinkCore::on_slot_closed(PathSlot& slot, error_code reason) {
    const auto self = shared_from_this();
    if (closed_) {
        slot.discard_queue();
        return finish_when_told();
    }
    if (slot.state == PathSlot::State::proving) return refuse(slot, reason);
    lose(slot);
}

void LinkCore::on_slot_message(PathSlot& slot, ports::Lane lane, ByteView message) {
    if (closed_) return;
    const auto self = shared_from_this();
    slot.last_received = scheduler_.now();
    const auto frame = wire::decode_frame(lane, message);
    if (slot.state == PathSlot::State::proving) {
        if (!frame) return refuse(slot, frame.error());
        return on_unproven(slot, lane, message, *frame);
    }
    if (!frame) return fail(frame.error());
    if (wire::is_link_frame(frame->type)) return on_link_frame(slot, *frame);
    on_stream_frame(slot, lane, message, *frame);
}

void LinkCore::on_unproven(PathSlot& slot, ports::Lane lane, ByteView message, const wire::Frame& frame) {
    if (frame.type == FrameType::hello) return on_hello(slot, frame);
    if (frame.type == FrameType::datagram) return;  // it has overtaken Hello: lost
    // In lane 0 nothing comes before Hello. In the others the initiator's first data may overtake it; it waits.
    const bool may_be_early = lane != 0 && !is_initiator();
    if (!may_be_early || !slot.hold(lane, message)) refuse(slot, Errc::protocol_violation);
}

void LinkCore::on_hello(PathSlot& slot, const wire::Frame& frame) {
    const auto hello = wire::decode_hello(frame.payload);
    if (!hello) return refuse(slot, hello.error());
    const ProofContext context{configuration_, slot.path().channel_binding(), slot.generation()};
    if (auto checked = check_hello(*hello, context, identity_.public_key(), crypto_); !checked) {
        return refuse(slot, checked.error());
    }
    slot.state = PathSlot::State::proven;
    slot.proof_deadline.reset();
    slot.since = scheduler_.now();
    if (!std::exchange(peer_known_, true)) {
        mux_.set_peer_limits(hello->initial_window, hello->stream_limit);
        mux_.set_features(hello->features & wire::kFeatures);
    }
    arm_keepalive();
    if (is_initiator()) {
        if (active_ != nullptr) probe(slot);  // it takes over once it has answered
        return review();
    }
    if (active_ == nullptr && opened_) ask_to_move(slot);  // the initiator may not know that the last path is gone
}

void LinkCore::on_link_frame(PathSlot& slot, const wire::Frame& frame) {
    wire::Frame reply;
    switch (frame.type) {
        case FrameType::move: return is_initiator() ? fail(Errc::protocol_violation) : on_move(slot, frame.value);
        case FrameType::moved: return is_initiator() ? on_moved(slot, frame.value) : fail(Errc::protocol_violation);
        case FrameType::lost:
            if (!is_initiator() || frame.value > epoch_) return fail(Errc::protocol_violation);
            if (active_ != nullptr && frame.value == epoch_) lose(*active_);
            return;
        case FrameType::ping:
            reply.type = FrameType::pong;
            reply.value = frame.value;
            if (slot.queue_size() < wire::kMaxPongs) slot.queue(reply);
            return;
        case FrameType::pong: return on_pong(slot, frame.value);
        case FrameType::close: return finish(wire::errc_from_wire(frame.value), false);
        default: return fail(Errc::protocol_violation);  // a second Hello
    }
}

// Data of an older epoch is dropped: its sender has begun again after the last byte that was acknowledged.
void LinkCore::on_stream_frame(PathSlot& slot, ports::Lane lane, ByteView message, const wire::Frame& frame) {
    // A datagram is sent once, in whatever epoch: that of an older one cannot come twice.
    if (frame.type == FrameType::datagram || (&slot == active_ && frame.epoch == short_epoch())) {
        if (auto done = mux_.receive(frame); !done) fail(done.error());
        return;
    }
    if (!wire::is_newer(frame.epoch, short_epoch())) return;
    if (is_initiator()) return fail(Errc::protocol_violation);
    if (!slot.hold(lane, message)) lose(slot);
}

void LinkCore::on_move(PathSlot& slot, std::uint64_t epoch) {
    if (epoch <= epoch_) return;  // overtaken by a later move on another path
    if (epoch - epoch_ >= 0x8000) return fail(Errc::protocol_violation);
    become_active(slot, static_cast<std::uint32_t>(epoch));
    wire::Frame reply;
    reply.type = FrameType::moved;
    reply.value = epoch;
    slot.queue(reply);
    if (!std::exchange(opened_, true)) {
        handler_->on_open();
    } else {
        announce_change();
    }
    if (!closed_) replay_held(slot);
}

void LinkCore::replay_held(PathSlot& slot) {
    for (const auto& held : slot.take_held()) {
        if (closed_ || slot.state == PathSlot::State::closed) return;
        on_slot_message(slot, held.lane, held.message);
    }
}

void LinkCore::on_moved(PathSlot& slot, std::uint64_t epoch) {
    if (epoch > epoch_) return fail(Errc::protocol_violation);
    if (epoch < epoch_ || &slot != active_) return;
    slot.confirmed = true;
    slot.answered = true;
    on_work();
    if (!std::exchange(opened_, true)) handler_->on_open();
}

void LinkCore::on_pong(PathSlot& slot, std::uint64_t token) {
    const auto now = scheduler_.now();
    if (token == slot.probe && token != 0) {
        slot.has_answered();
        if (&slot == active_) on_rtt(now - slot.probe_time);
        if (!std::exchange(slot.answered, true)) review();
        return;
    }
    const auto found =
        std::find_if(pings_.begin(), pings_.end(), [&](const auto& ping) { return ping.token == token; });
    if (found == pings_.end()) return;  // too late, or of another path
    const auto ping = std::move(*found);
    pings_.erase(found);
    slot.has_answered();
    on_rtt(now - ping.sent);
    ping.callback(std::chrono::duration_cast<std::chrono::microseconds>(now - ping.sent));
}

}  // namespace tubes::core
