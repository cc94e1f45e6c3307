// SPDX-License-Identifier: GPL-3.0-or-later
// Which path carries the link, when it moves, and how dead paths are found.
#include "tubes/base/log.hpp"
#include "tubes/core/link/link_core.hpp"

namespace tubes::core {
namespace {

constexpr unsigned kMostDoublings = 5;                 // of the damping, for a path that keeps dying
constexpr auto kCalmAfter = std::chrono::seconds(60);  // a path that lived this long has no past

}  // namespace

std::shared_ptr<PathSlot> LinkCore::remove(PathSlot& slot) {
    const auto found =
        std::find_if(slots_.begin(), slots_.end(), [&](const auto& each) { return each.get() == &slot; });
    auto kept = *found;
    slots_.erase(found);
    if (active_ == &slot) active_ = nullptr;
    kept->close();
    scheduler_.post([kept] {});  // it may be the one that is calling
    return kept;
}

void LinkCore::refuse(PathSlot& slot, error_code reason) {
    const auto kept = remove(slot);
    const bool is_suspicious = reason == Errc::identity_mismatch || reason == Errc::protocol_violation;
    base::logger("link")->log(is_suspicious ? spdlog::level::warn : spdlog::level::info, "link {}: {} path refused: {}",
                              configuration_.id.hex(), to_string(kept->kind()), reason.message());
    if (handler_ != nullptr) handler_->on_path_refused(kept->kind(), reason);
}

void LinkCore::lose(PathSlot& slot) {
    const auto now = scheduler_.now();
    const bool was_active = active_ == &slot;
    const auto kept = remove(slot);
    base::logger("link")->info("link {}: {} path lost", configuration_.id.hex(), to_string(kept->kind()));
    if (!was_active) return;
    auto& history = history_[static_cast<std::size_t>(kept->kind())];
    history.losses = now - kept->since >= kCalmAfter ? 1 : std::min(history.losses + 1, kMostDoublings);
    history.left = now;
    patience_timer_ = call_later(now + configuration_.limits.patience, &LinkCore::lose_patience);
    auto* best = best_path();
    if (best != nullptr && is_initiator()) return review();
    if (best != nullptr) ask_to_move(*best);
    announce_change();
}

void LinkCore::ask_to_move(PathSlot& slot) {
    wire::Frame frame;
    frame.type = wire::FrameType::lost;
    frame.value = epoch_;
    slot.queue(frame);
}

void LinkCore::lose_patience() {
    finish(Errc::broken, true);
}

PathSlot* LinkCore::best_path() const noexcept {
    PathSlot* best = nullptr;
    for (const auto& slot : slots_) {
        if (slot->state != PathSlot::State::proven) continue;
        if (best == nullptr || slot->is_safer_than(*best)) best = slot.get();
    }
    return best;
}

TimePoint LinkCore::damped_until(const PathSlot& slot) const {
    const auto& history = history_[static_cast<std::size_t>(slot.kind())];
    if (history.left == TimePoint{}) return {};
    const auto doublings = history.losses > 0 ? history.losses - 1 : 0;
    return history.left + configuration_.limits.damping * (1U << doublings);
}

// The initiator's choice; the responder follows.
void LinkCore::review() {
    auto* best = best_path();
    if (!is_initiator() || closed_ || best == nullptr) return;
    if (active_ == nullptr) return move_to(*best);
    const bool active_is_mute =
        active_->suspect || (!active_->answered && scheduler_.now() - active_->since >= configuration_.limits.damping);
    if (best == active_ || !best->answered || !(active_is_mute || best->is_better_than(*active_))) {
        return close_standby();
    }
    const auto when = active_is_mute ? TimePoint{} : damped_until(*best);
    if (when <= scheduler_.now()) return move_to(*best);
    review_timer_ = call_later(when, &LinkCore::review);
}

void LinkCore::move_to(PathSlot& slot) {
    become_active(slot, epoch_ + 1);
    slot.confirmed = false;
    slot.early_bytes = 0;
    wire::Frame frame;
    frame.type = wire::FrameType::move;
    frame.value = epoch_;
    slot.queue(frame);
    if (opened_) announce_change();
    close_standby();
}

void LinkCore::become_active(PathSlot& slot, std::uint32_t epoch) {
    const auto now = scheduler_.now();
    if (active_ != nullptr && active_ != &slot) {
        history_[static_cast<std::size_t>(active_->kind())].left = now;
        active_->since = now;
    }
    if (opened_) ++path_changes_;
    active_ = &slot;
    epoch_ = epoch;
    slot.epoch = epoch;
    slot.since = now;
    last_progress_ = now;
    patience_timer_.reset();
    base::logger("link")->info("link {}: {} path carries epoch {}", configuration_.id.hex(), to_string(slot.kind()),
                               epoch);
    probe(slot);
    wire::Frame frame;
    frame.type = wire::FrameType::ping;
    for (auto& ping : pings_) {
        ping.sent = now;
        frame.value = ping.token;
        slot.queue(frame);
    }
    mux_.set_packet_size(slot.path().info().packet_size);
    mux_.resume();
}

// Paths that are no better are kept for as long as the damping lasts, in case the new one dies young.
void LinkCore::close_standby() {
    if (active_->suspect) return;  // one of them may be needed in a moment
    const auto due = active_->since + configuration_.limits.damping;
    const auto now = scheduler_.now();
    std::vector<PathSlot*> idle;
    for (const auto& slot : slots_) {
        const bool stands_by = slot->state == PathSlot::State::proven && slot.get() != active_;
        if (stands_by && !slot->is_better_than(*active_)) idle.push_back(slot.get());
    }
    if (idle.empty()) return;
    if (now < due || !active_->confirmed) {
        review_timer_ = call_later(now < due ? due : now + configuration_.limits.damping, &LinkCore::review);
        return;
    }
    for (auto* slot : idle) remove(*slot);
}

void LinkCore::announce_change() {
    if (std::exchange(change_scheduled_, true)) return;
    post(&LinkCore::tell_change);
}

void LinkCore::tell_change() {
    change_scheduled_ = false;
    if (handler_ != nullptr && !closed_) handler_->on_path_change(status());
}

// --- liveness

void LinkCore::probe(PathSlot& slot) {
    slot.probe = next_token_++;
    slot.probe_time = scheduler_.now();
    slot.give_up = slot.probe_time + configuration_.limits.dead_after;
    wire::Frame frame;
    frame.type = wire::FrameType::ping;
    frame.value = slot.probe;
    slot.queue(frame);
    arm_keepalive();
}

// Silence is probed; so is data that nobody acknowledges, since a path may be dead in one direction only. Datagrams are
// never acknowledged: a path that carries them is asked now and then.
TimePoint LinkCore::probe_due(const PathSlot& slot) const {
    const auto& limits = configuration_.limits;
    if (slot.probe != 0) {
        const bool may_turn_suspect = &slot == active_ && !slot.suspect;
        return may_turn_suspect ? std::min(slot.give_up, slot.probe_time + limits.suspect_after) : slot.give_up;
    }
    auto due = slot.last_received + limits.keepalive;
    if (&slot == active_ && mux_.in_flight() > 0) {
        due = std::min(due, std::max({last_progress_, slot.since, slot.probe_time}) + limits.progress);
    }
    if (&slot == active_ && slot.unanswered_since) due = std::min(due, *slot.unanswered_since + limits.progress);
    return due;
}

void LinkCore::keep_alive() {
    const auto now = scheduler_.now();
    const auto slots = slots_;
    for (const auto& slot : slots) {
        if (closed_) return;
        if (slot->state != PathSlot::State::proven || probe_due(*slot) > now) continue;
        if (slot->probe == 0) {
            probe(*slot);
        } else if (now >= slot->give_up) {
            lose(*slot);
        } else {
            suspect(*slot);
        }
    }
    arm_keepalive();
}

// Not dead yet, but whoever negotiates may look for another path meanwhile.
void LinkCore::suspect(PathSlot& slot) {
    slot.suspect = true;
    base::logger("link")->debug("link {}: {} path does not answer", configuration_.id.hex(), to_string(slot.kind()));
    announce_change();
    review();
}

void LinkCore::check_paths() {
    const auto deadline = scheduler_.now() + configuration_.limits.check_deadline;
    const auto slots = slots_;
    for (const auto& slot : slots) {
        if (closed_) return;
        if (slot->state != PathSlot::State::proven) continue;
        if (slot->probe == 0) probe(*slot);
        slot->give_up = std::min(slot->give_up, deadline);
    }
    arm_keepalive();
}

void LinkCore::arm_keepalive() {
    std::optional<TimePoint> next;
    for (const auto& slot : slots_) {
        if (slot->state != PathSlot::State::proven) continue;
        const auto due = probe_due(*slot);
        if (!next || due < *next) next = due;
    }
    if (next && !closed_) keepalive_timer_ = call_later(*next, &LinkCore::keep_alive);
}

void LinkCore::on_rtt(Duration sample) {
    rtt_ = rtt_ ? (*rtt_ * 7 + sample) / 8 : sample;  // RFC 6298 §2's weight
    mux_.set_rtt(*rtt_);
}

}  // namespace tubes::core
