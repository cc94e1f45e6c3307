// SPDX-License-Identifier: GPL-3.0-or-later
// One direction of an emulated link: when, in which order and whether each packet arrives. No clock, no socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <random>
#include <vector>

namespace tubes::netlab {

using Nanoseconds = std::chrono::nanoseconds;

/// What the link does to packets. Probabilities are 0..1.
struct LinkSettings {
    Nanoseconds delay{0};              ///< One-way, after the packet was sent in full.
    Nanoseconds jitter{0};             ///< Added to the delay, uniform in 0..jitter; order is kept.
    std::uint64_t rate_bps = 0;        ///< Bits per second; 0 is unlimited.
    std::size_t queue_bytes = 262144;  ///< Waiting for the line; more is dropped at the tail.
    double loss = 0;                   ///< Packets that vanish.
    double reordering = 0;             ///< Packets that overtake those before them by skipping the delay.
    double duplication = 0;            ///< Packets that arrive twice.
    std::size_t mtu = 0;               ///< Larger packets, headers included, vanish; 0: none is too large.
    bool tells_mtu = true;  ///< Whether the sender of one that vanished for its size is told (too_large.hpp).
    bool up = true;         ///< When false, everything vanishes, also what is under way.
};

/// What happened so far.
struct LinkCounters {
    std::uint64_t offered = 0;
    std::uint64_t delivered = 0;
    std::uint64_t delivered_bytes = 0;
    std::uint64_t lost = 0;
    std::uint64_t dropped = 0;    ///< The queue was full, or the link was down.
    std::uint64_t too_large = 0;  ///< Larger than the MTU.
    std::uint64_t reordered = 0;
    std::uint64_t duplicated = 0;
};

/// A packet as it came, headers included.
using Packet = std::vector<std::uint8_t>;

/// The link's one direction. The same seed, settings and arrivals give the same deliveries. Not thread-safe.
class LinkModel {
public:
    LinkModel(const LinkSettings& settings, std::uint64_t seed) : settings_(settings), random_(seed) {}

    /// Changes what happens to packets from now on; those under way keep their times, unless `up` is false.
    void set(const LinkSettings& settings);

    /// What happens to packets just now.
    const LinkSettings& settings() const { return settings_; }

    /// Takes a packet at time `now` (any monotonic origin, never decreasing).
    void offer(Nanoseconds now, Packet packet);

    /// Whether a packet of that size passes at all.
    bool fits(std::size_t bytes) const { return settings_.mtu == 0 || bytes <= settings_.mtu; }

    /// When the next packet is due, if one is under way.
    std::optional<Nanoseconds> next_due() const;

    /// The next packet that is due at `now`; call until there is none.
    std::optional<Packet> take(Nanoseconds now);

    const LinkCounters& counters() const { return counters_; }

private:
    struct Flight {
        Nanoseconds due;
        std::uint64_t order;
        Packet packet;
        // Backwards, so that std::priority_queue gives the earliest.
        bool operator<(const Flight& other) const { return due != other.due ? due > other.due : order > other.order; }
    };

    bool happens(double probability);
    Nanoseconds due_time(Nanoseconds now, std::size_t bytes);

    LinkSettings settings_;
    std::mt19937_64 random_;
    Nanoseconds line_free_{0};
    Nanoseconds last_due_{0};
    std::uint64_t next_order_ = 0;
    std::priority_queue<Flight> under_way_;
    LinkCounters counters_;
};

}  // namespace tubes::netlab
