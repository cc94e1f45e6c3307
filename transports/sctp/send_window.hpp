// SPDX-License-Identifier: GPL-3.0-or-later
// How much may stand between send() and the peer's acknowledgement: enough to fill the path, no more, so that a small
// message does not wait behind bulk data that is already in flight.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tubes/core/ids.hpp"

namespace tubes::transports {

/// Estimates a path's delivery rate and shortest round trip and limits what SCTP is handed to a small multiple of
/// their product, but never beyond the congestion window and one frame. Reads no clock; lives on one loop.
class SendWindow {
public:
    using TimePoint = core::TimePoint;

    /// SCTP took `bytes` at `now`.
    void on_handed(std::size_t bytes, TimePoint now);

    /// SCTP now holds `queued` bytes that are not acknowledged, sent or not, and its congestion window is
    /// `congestion_window` bytes.
    void on_acknowledged(std::size_t queued, std::size_t congestion_window, TimePoint now);

    /// True if SCTP may be handed `bytes` more.
    bool has_room(std::size_t bytes) const noexcept { return queued_ == 0 || queued_ + bytes <= limit(); }

    /// The largest sum of unacknowledged and unsent bytes.
    std::size_t limit() const noexcept;

    std::size_t queued() const noexcept { return queued_; }
    std::uint64_t handed() const noexcept { return handed_; }
    /// Smoothed round trip as messages see it, SCTP's own delay included; absent before the first acknowledgement.
    std::optional<std::chrono::microseconds> round_trip() const noexcept;

private:
    struct Sample {
        std::uint64_t target = 0;     ///< Handed bytes at its start: it ends when these are acknowledged.
        std::uint64_t delivered = 0;  ///< Acknowledged bytes at its start.
        TimePoint started;
        bool probe = false;  ///< Began while the window was narrowed to see the path without our own queue.
    };

    std::uint64_t delivered() const noexcept { return handed_ - queued_; }
    void finish_sample(TimePoint now);
    void learn_round_trip(core::Duration sample, TimePoint now);
    double product() const noexcept;

    std::uint64_t handed_ = 0;
    std::size_t queued_ = 0;
    std::size_t congestion_window_ = 0;
    std::optional<Sample> sample_;
    std::array<double, 10> rates_{};  ///< Bytes a second of the last round trips, as a ring.
    std::size_t next_rate_ = 0;
    double best_rate_ = 0;
    std::optional<core::Duration> shortest_;  ///< Shortest round trip seen since shortest_since_.
    TimePoint shortest_since_;
    std::optional<core::Duration> smoothed_;
    bool probing_ = false;
};

}  // namespace tubes::transports
