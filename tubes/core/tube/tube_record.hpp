// SPDX-License-Identifier: GPL-3.0-or-later
// One tube as the broker keeps it, from request to end.
#pragma once

#include "tubes/core/tube/broker.hpp"

namespace tubes::core {

/// How far a tube has come; finer than TubeState.
enum class TubeStage : std::uint8_t {
    waiting_for_contact,  ///< Ours: no device of the contact is there yet, or the account is still connecting.
    choosing,             ///< Ours: asking the contact's devices which has the service.
    requesting,           ///< Ours: the request began a link that is not accepted.
    waiting_for_link,     ///< Ours: will be asked for on a link that is coming up or coming back.
    asked,                ///< Ours: TubeOpen is out.
    granted,              ///< Both: allowed; the link has no path yet.
    open,                 ///< Streams flow.
};

/// A stream's bytes count for its tube also after the application let go of it.
class TubeStreams {
public:
    void add(std::shared_ptr<Stream> stream);
    /// Drops streams that nobody else holds any more, keeping their counts.
    void prune();
    void reset_all(Errc reason);
    std::size_t size() const noexcept { return streams_.size(); }
    std::uint64_t bytes_sent() const;
    std::uint64_t bytes_received() const;
    FlowCounters datagrams() const;

private:
    void keep_counts(const Stream& stream);

    std::vector<std::shared_ptr<Stream>> streams_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    FlowCounters datagrams_;
    std::size_t prune_at_ = 16;
};

struct TubeRecord {
    TubeStatus status;
    TubeStage stage = TubeStage::choosing;
    TubeRequest request;
    Broker::TubeCallback callback;
    std::optional<PeerAddress> wanted;      ///< Ours: only this device will do.
    std::vector<PeerAddress> considered;    ///< Ours: devices that were asked so far.
    bool peer_answers = false;              ///< Ours: the device that was asked asks its user.
    std::vector<PeerAddress> alternatives;  ///< Ours: devices to try if this one does not work out.
    std::vector<PeerAddress> gone;          ///< Ours: devices that went away while they were asked.
    std::optional<PublicKey> expected_key;  ///< Ours: the offer named it.
    TimePoint started;
    int retries = 0;         ///< New links begun because one was lost before the tube opened.
    bool automatic = false;  ///< Accepted by a standing "always", nobody waits in a callback.
    TubeStreams streams;
    std::unique_ptr<ports::Scheduler::Timer> deadline;
    std::unique_ptr<ports::Scheduler::Timer> retry;

    void reached(const char* phase, TimePoint now);
};

}  // namespace tubes::core
