// SPDX-License-Identifier: GPL-3.0-or-later
// One path of a link, with what the link remembers of it.
#pragma once

#include <optional>

#include "tubes/core/ports/message_path.hpp"
#include "tubes/core/ports/scheduler.hpp"
#include "tubes/core/wire/frame.hpp"

namespace tubes::core {

/// Sends frames on one path and queues those of the link itself when it is full; passes on what arrives.
class PathSlot final : public ports::MessagePath::Handler {
public:
    class Owner {
    public:
        virtual void on_slot_message(PathSlot& slot, ports::Lane lane, ByteView message) = 0;
        virtual void on_slot_writable(PathSlot& slot) = 0;
        virtual void on_slot_closed(PathSlot& slot, error_code reason) = 0;

    protected:
        ~Owner() = default;
    };

    enum class State : std::uint8_t {
        proving,  // the peer's Hello has not come
        proven,   // may carry the link
        closed,
    };

    PathSlot(Owner& owner, std::unique_ptr<ports::MessagePath> path, std::uint32_t generation);
    ~PathSlot() { close(); }

    void start() { path_->start(*this); }
    /// No callback follows; the owner may be gone afterwards. Idempotent.
    void close() noexcept;

    /// Queues a frame of the link (lane 0), sends what the path takes of the queue, and flushes.
    void queue(const wire::Frame& frame);
    /// Sends the queue; true if it is empty now.
    bool drain();
    void discard_queue() noexcept { outbox_.clear(); }
    /// Sends a frame behind the queue. False if the path is full.
    bool send(const wire::Frame& frame);
    void flush() { path_->flush(); }

    /// Keeps a message that belongs to an epoch still to come; false beyond kMaxHeld.
    bool hold(ports::Lane lane, ByteView message);
    struct Held {
        ports::Lane lane;
        Bytes message;
    };
    std::vector<Held> take_held() noexcept;

    const ports::MessagePath& path() const noexcept { return *path_; }
    std::size_t queue_size() const noexcept { return outbox_.size(); }
    PathKind kind() const noexcept { return kind_; }
    std::uint32_t generation() const noexcept { return generation_; }
    /// Better kind, then newer generation.
    bool is_better_than(const PathSlot& other) const noexcept;
    /// It works both ways: nothing that was asked is open any more.
    void has_answered() noexcept {
        probe = 0;
        suspect = false;
        unanswered_since.reset();
    }
    /// Which to fall back on: first what is not suspect, then what has answered, then what is better.
    bool is_safer_than(const PathSlot& other) const noexcept;

    State state = State::proving;
    std::uint32_t epoch = 0;      ///< In which it carried the link last; 0: never.
    bool answered = false;        ///< Has answered a probe: it works both ways, and the peer has taken our proof.
    bool confirmed = false;       ///< The responder agreed to the move here.
    std::size_t early_bytes = 0;  ///< Sent since the move, before that.
    TimePoint last_received{};
    TimePoint since{};        ///< Of being active, or of standing by.
    std::uint64_t probe = 0;  ///< Token of the unanswered keepalive; 0: none.
    TimePoint probe_time{};
    TimePoint give_up{};                        ///< When the unanswered keepalive means that the path is dead.
    bool suspect = false;                       ///< Has not answered for a while; others are looked for.
    std::optional<TimePoint> unanswered_since;  ///< Of the first datagram sent since the path last answered.
    std::unique_ptr<ports::Scheduler::Timer> proof_deadline;

private:
    struct Queued {
        wire::FrameHeader header;
        Bytes payload;
    };

    void on_message(ports::Lane lane, ByteView message) override;
    void on_writable() override;
    void on_closed(error_code reason) override;

    Owner* owner_;
    std::unique_ptr<ports::MessagePath> path_;
    std::uint32_t generation_;
    PathKind kind_;
    bool full_ = false;
    std::vector<Queued> outbox_;
    std::vector<Held> held_;
    std::size_t held_bytes_ = 0;
};

}  // namespace tubes::core
