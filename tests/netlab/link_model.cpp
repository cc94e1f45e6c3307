// SPDX-License-Identifier: GPL-3.0-or-later
// A tail-drop queue, a line of a given rate, a delay, and accidents by a seeded generator.
#include "tests/netlab/link_model.hpp"

#include <algorithm>

namespace tubes::netlab {

void LinkModel::set(const LinkSettings& settings) {
    settings_ = settings;
    if (!settings_.up) {
        counters_.dropped += under_way_.size();
        under_way_ = {};
    }
}

// Own arithmetic instead of std::bernoulli_distribution, whose draws differ between standard libraries.
bool LinkModel::happens(double probability) {
    if (probability <= 0) return false;
    return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

Nanoseconds LinkModel::due_time(Nanoseconds now, std::size_t bytes) {
    const Nanoseconds sending{settings_.rate_bps == 0 ? 0 : bytes * 8 * 1'000'000'000ULL / settings_.rate_bps};
    line_free_ = std::max(now, line_free_) + sending;
    if (happens(settings_.reordering)) {
        ++counters_.reordered;
        return line_free_;
    }
    auto due = line_free_ + settings_.delay;
    if (settings_.jitter.count() > 0) {
        due += Nanoseconds(static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(settings_.jitter.count())));
    }
    last_due_ = std::max(last_due_, due);
    return last_due_;
}

void LinkModel::offer(Nanoseconds now, Packet packet) {
    ++counters_.offered;
    if (!fits(packet.size())) {
        ++counters_.too_large;
        return;
    }
    if (happens(settings_.loss)) {
        ++counters_.lost;
        return;
    }
    const auto backlog = std::max(line_free_ - now, Nanoseconds{0});
    const auto waiting = static_cast<std::uint64_t>(backlog.count()) * (settings_.rate_bps / 8) / 1'000'000'000ULL;
    if (!settings_.up || waiting + packet.size() > settings_.queue_bytes) {
        ++counters_.dropped;
        return;
    }
    const bool twice = happens(settings_.duplication);
    const auto due = due_time(now, packet.size());
    if (twice) {
        ++counters_.duplicated;
        under_way_.push({due, next_order_++, packet});
    }
    under_way_.push({due, next_order_++, std::move(packet)});
}

std::optional<Nanoseconds> LinkModel::next_due() const {
    if (under_way_.empty()) return std::nullopt;
    return under_way_.top().due;
}

std::optional<Packet> LinkModel::take(Nanoseconds now) {
    if (under_way_.empty() || under_way_.top().due > now) return std::nullopt;
    // priority_queue gives no mutable top; the element is removed in the next line, so its order no longer matters.
    Packet packet = std::move(const_cast<Flight&>(under_way_.top()).packet);
    under_way_.pop();
    ++counters_.delivered;
    counters_.delivered_bytes += packet.size();
    return packet;
}

}  // namespace tubes::netlab
