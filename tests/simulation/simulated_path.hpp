// SPDX-License-Identifier: GPL-3.0-or-later
// Message paths over simulated wires: delay, rate, a finite queue, and every way to die.
#pragma once

#include <random>

#include "tests/simulation/simulated_scheduler.hpp"
#include "tubes/core/ports/message_path.hpp"

namespace tubes::simulation {

/// How a wire behaves, in each direction.
struct PathModel {
    PathKind kind = PathKind::loopback;
    core::Duration delay{};              ///< One way.
    std::uint64_t bytes_per_second = 0;  ///< 0: no limit.
    std::size_t queue = 64 * 1024;       ///< Bytes a path takes beyond what has left.
    core::Duration lane_jitter{};        ///< Lanes overtake each other by up to this, as SCTP's do after loss.
    double datagram_loss = 0.0;          ///< Share of the datagram lane's messages that vanish.
    core::Duration datagram_jitter{};    ///< They overtake each other by up to this.
    std::size_t packet_size = core::ports::kMaxMessageSize;
    std::uint64_t seed = 1;  ///< Of the jitter, and of the channel binding.
};

enum class Side : std::uint8_t { a = 0, b = 1 };
constexpr Side other(Side side) noexcept {
    return side == Side::a ? Side::b : Side::a;
}

/// The wire between two paths; shared by them and by the test that breaks it.
class SimulatedWire : public std::enable_shared_from_this<SimulatedWire> {
public:
    static std::shared_ptr<SimulatedWire> make(SimulatedScheduler& scheduler, const PathModel& model);

    /// One end's path; each once.
    std::unique_ptr<core::ports::MessagePath> take(Side side);

    /// Both ends learn at once that it is over; what was on its way is lost.
    void kill(error_code reason = make_error_code(Errc::broken));
    /// Only this end learns; the other hears nothing any more.
    void kill_side(Side side, error_code reason = make_error_code(Errc::broken));
    /// What this end sends disappears, without a word. Both: silent death.
    void silence(Side sender) { end(sender).silent = true; }
    void silence() {
        silence(Side::a);
        silence(Side::b);
    }
    /// Called for each message as it arrives, for tests that kill at an exact moment.
    std::function<void(Side receiver, core::ports::Lane lane, core::ByteView message)> tap;
    /// Delivers arbitrary bytes to an end, as a hostile peer that got through the handshake could.
    void inject(Side receiver, core::ports::Lane lane, core::Bytes message);

    std::uint64_t messages() const noexcept { return messages_; }
    bool is_alive() const noexcept { return alive_; }

private:
    friend class SimulatedPath;
    struct End {
        core::ports::MessagePath::Handler* handler = nullptr;
        bool taken = false;
        bool closed = false;  // by its own side; nothing is delivered
        bool told = false;    // on_closed is under way
        bool silent = false;
        bool blocked = false;
        std::size_t queued = 0;
        core::TimePoint free_at{};
        std::array<core::TimePoint, core::ports::kLaneCount + 1> lane_time{};
        std::uint64_t bytes_sent = 0;
        std::uint64_t bytes_received = 0;
        std::vector<std::pair<core::ports::Lane, core::Bytes>> early;
    };

    SimulatedWire(SimulatedScheduler& scheduler, const PathModel& model);
    End& end(Side side) noexcept { return ends_[static_cast<std::size_t>(side)]; }
    bool send(Side from, core::ports::Lane lane, core::ByteView header, core::ByteView payload);
    void start(Side side, core::ports::MessagePath::Handler& handler);
    void close(Side side);
    void left(Side from, std::size_t size);
    void arrive(Side to, core::ports::Lane lane, core::Bytes message);
    void tell_closed(Side side, error_code reason);

    SimulatedScheduler& scheduler_;
    PathModel model_;
    std::mt19937_64 random_;
    core::Digest binding_;
    std::array<End, 2> ends_;
    std::uint64_t messages_ = 0;
    bool alive_ = true;
};

}  // namespace tubes::simulation
