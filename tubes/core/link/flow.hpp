// SPDX-License-Identifier: GPL-3.0-or-later
// The two sides of a stream's flow: what was sent and acknowledged, what was received and granted. No lists, no time
// of their own, no callbacks: the mux drives them.
// Spec: docs/protocol.md, "Streams".
#pragma once

#include <optional>

#include "tubes/core/link/byte_queue.hpp"
#include "tubes/core/wire/frame.hpp"

namespace tubes::core {

/// Memory that the streams of a link share beyond the minimum each of them has for sure. Nobody gets more than half
/// of what the others leave, so that a late stream finds some.
class SharedPool {
public:
    explicit SharedPool(std::size_t limit) : limit_(limit) {}

    /// What a stream that holds `own` bytes of the pool may hold at most.
    std::size_t share(std::size_t own) const noexcept {
        const auto others = used_ - own;
        return others >= limit_ ? 0 : (limit_ - others) / 2;
    }
    /// A stream's holding changes.
    void change(std::size_t before, std::size_t after) noexcept { used_ = used_ - before + after; }
    std::size_t used() const noexcept { return used_; }
    std::size_t limit() const noexcept { return limit_; }

private:
    std::size_t limit_;
    std::size_t used_ = 0;
};

/// Bytes on their way to the peer, kept until acknowledged.
class SendSide {
public:
    ByteQueue queue;

    /// The peer takes bytes before this offset; never shrinks.
    void allow(std::uint64_t limit) noexcept { limit_ = std::max(limit_, limit); }
    std::uint64_t limit() const noexcept { return limit_; }

    /// Nothing more will be written.
    void finish() noexcept { finished_ = true; }
    bool is_finished() const noexcept { return finished_; }
    bool is_end_acknowledged() const noexcept { return end_acknowledged_; }
    /// The end was sent at least once, on whatever path.
    bool was_end_sent() const noexcept { return end_ever_sent_; }

    /// Whether next_frame() has something to say.
    bool has_work() const noexcept { return sendable() > 0 || is_end_due(); }
    std::size_t sendable() const noexcept {
        return static_cast<std::size_t>(std::max(std::min(queue.end(), limit_), next_) - next_);
    }

    /// The next DATA frame, without stream and epoch; sent() follows if the path took it.
    wire::Frame next_frame() const noexcept;
    /// Returns how many bytes went out for the first time.
    std::size_t sent(const wire::Frame& frame) noexcept;

    /// Returns how many bytes this acknowledges for the first time; protocol_violation for what was never sent.
    result<std::size_t> acknowledge(const wire::Frame& ack) noexcept;
    /// The peer has forgotten the stream after its clean end: everything was taken.
    void acknowledge_all() noexcept;

    /// A new path: begins again after the last acknowledged byte.
    void rewind() noexcept;

    std::size_t in_flight() const noexcept {
        return static_cast<std::size_t>(std::max(highest_, queue.begin()) - queue.begin());
    }

private:
    bool is_end_due() const noexcept { return finished_ && !end_sent_ && next_ == queue.end(); }

    std::uint64_t next_ = 0;     // to be sent next
    std::uint64_t highest_ = 0;  // never sent before
    std::uint64_t limit_ = 0;
    bool finished_ = false;
    bool end_sent_ = false;
    bool end_ever_sent_ = false;
    bool end_acknowledged_ = false;
};

/// What one side of a stream has received, and how much more it grants.
class ReceiveSide {
public:
    /// Credit: `minimum` is granted from the start, `window` is what the stream aims at, `largest` its bound.
    ReceiveSide(std::size_t minimum, std::size_t window, std::size_t largest) noexcept
        : minimum_(minimum), window_(window), largest_(largest), granted_(minimum) {}

    /// Checks a DATA frame against grant and end; returns its bytes that are new. protocol_violation.
    result<ByteView> accept(const wire::Frame& frame) noexcept;

    std::uint64_t received() const noexcept { return received_; }
    bool has_end() const noexcept { return end_ && *end_ == received_; }
    bool is_end_known() const noexcept { return end_.has_value(); }
    std::uint64_t consumed() const noexcept { return consumed_; }

    /// The receiver is done with `count` more bytes. The window doubles when half of it was consumed within
    /// `fast`: the sender could have used more.
    void consume(std::uint64_t count, TimePoint now, Duration fast, SharedPool& pool) noexcept;

    /// Whether an acknowledgement now would grant enough to be worth it.
    bool wants_grant(const SharedPool& pool) const noexcept;
    /// Raises the grant as far as window and pool allow, and writes the ACK frame.
    wire::Frame acknowledge(SharedPool& pool) noexcept;
    /// Bytes received since the last ACK that was sent.
    std::uint64_t unacknowledged() const noexcept { return received_ - acknowledged_; }
    bool is_ack_step_reached() const noexcept;
    /// Nothing was received nor granted beyond the start: a new path needs no ACK.
    bool is_untouched() const noexcept { return received_ == 0 && granted_ == minimum_ && !end_; }

    /// Gives everything back to the pool.
    void close(SharedPool& pool) noexcept;

private:
    std::size_t extra() const noexcept;
    std::size_t effective_window(const SharedPool& pool) const noexcept;

    std::size_t minimum_;
    std::size_t window_;
    std::size_t largest_;
    std::uint64_t granted_;
    std::uint64_t received_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t consumed_ = 0;
    std::uint64_t tune_mark_ = 0;  // consumed_ when the window was last looked at ...
    TimePoint tune_time_{};        // ... and when that was
    std::optional<std::uint64_t> end_;
    bool closed_ = false;
};

}  // namespace tubes::core
