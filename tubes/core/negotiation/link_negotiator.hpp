// SPDX-License-Identifier: GPL-3.0-or-later
// One link's negotiation over its whole life: the first race, and a race per restart with a higher generation.
// Spec: docs/protocol.md, "Candidates" and "Restart".
#pragma once

#include "tubes/core/link/link.hpp"
#include "tubes/core/negotiation/path_report.hpp"
#include "tubes/core/negotiation/race.hpp"
#include "tubes/core/signaling/signals.hpp"

namespace tubes::core {

/// What a negotiator works with.
struct NegotiatorConfiguration {
    LinkId link;
    LinkRole role = LinkRole::initiator;
    AddressPolicy addresses = AddressPolicy::relay_only;
    bool same_user = false;
    std::chrono::milliseconds deadline{30000};    ///< From accept to the first proved path; the same per restart.
    std::shared_ptr<ports::PeerCarrier> carrier;  ///< Null where the protocol has none.
};

/// See the head of the file. A restart needs no tie-break: one that crosses another of the same generation is taken
/// as its answer, since both sides have then described their attempts; else the higher generation wins. Lives on the
/// link's loop.
class LinkNegotiator final : private Race::Handler {
public:
    using FindServers = std::function<void(std::function<void(std::vector<ports::IceServer>)>)>;
    using Delivered = std::function<void(error_code)>;

    /// Told on the loop, never inside a call to the negotiator.
    class Handler {
    public:
        /// Generation 0 is ready: the descriptions go into LinkInitiate or LinkAccept. Empty: no transport can try.
        virtual void on_prepared(std::vector<ports::TransportDescription> descriptions) = 0;
        /// LinkCandidates or LinkRestart for the peer; `delivered` gets the signal's fate and may be empty.
        virtual void send_negotiation(Signal signal, Delivered delivered) = 0;
        virtual void on_negotiated_path(std::unique_ptr<ports::MessagePath> path, std::uint32_t generation) = 0;
        /// The first negotiation brought no path. Once.
        virtual void on_no_path() = 0;

    protected:
        ~Handler() = default;
    };

    LinkNegotiator(NegotiatorConfiguration configuration, ports::Scheduler& scheduler,
                   std::vector<ports::Transport*> transports, FindServers find_servers, Handler& handler);
    ~LinkNegotiator();

    /// Gathers for generation 0; nothing leaves the machine.
    void prepare();
    /// Both sides have accepted; `remote` is the peer's part. Candidates leave from here on.
    void accepted(const std::vector<ports::TransportDescription>& remote);
    void on_candidates(const LinkCandidates& message);
    void on_restart(const LinkRestart& message);
    /// What the link says of its paths: narrows the race, or starts over when there is none left.
    void link_changed(const LinkStatus& status);
    void path_refused(PathKind kind, error_code reason);
    /// Interfaces or routes changed: looks for paths again at once, and again until it has found some.
    void network_changed();
    /// Signals arrive again: a restart that waits for its turn need not wait any longer.
    void connection_restored();
    void close();

    bool is_racing() const noexcept { return race_ != nullptr; }
    std::uint32_t generation() const noexcept { return generation_; }
    std::string why_relayed(PathKind active) const;

private:
    void on_race_described(std::vector<ports::TransportDescription> descriptions) override;
    void on_race_candidates(std::vector<ports::Candidate> candidates, bool end) override;
    void on_race_path(std::unique_ptr<ports::MessagePath> path) override;
    void on_race_failed() override;

    void begin(std::uint32_t generation);
    void make_race(std::vector<ports::IceServer> servers);
    void apply_inbox();
    void retire();
    void restart();
    void schedule_restart();
    void look_again_later();
    bool is_relayed() const noexcept { return has_path_ && active_kind_ >= PathKind::ice_relayed; }
    void arm_deadline();
    void on_deadline();
    void give_up_race();

    // What the peer said about a generation whose race does not run yet.
    struct Inbox {
        std::optional<std::vector<ports::TransportDescription>> descriptions;
        std::vector<ports::Candidate> candidates;
        bool end = false;
    };

    NegotiatorConfiguration configuration_;
    ports::Scheduler& scheduler_;
    std::vector<ports::Transport*> transports_;
    FindServers find_servers_;
    Handler& handler_;
    std::unique_ptr<Race> race_;
    std::vector<AttemptReport> reports_;
    Inbox inbox_;
    std::uint32_t generation_ = 0;
    bool accepted_ = false;
    bool answering_ = false;  // The peer asked for this generation.
    bool signaled_ = false;   // Our descriptions of this generation are out.
    bool has_path_ = false;
    bool restart_wanted_ = false;  // Although there is a path: the network changed, or credentials end.
    PathKind active_kind_ = PathKind::loopback;
    bool was_open_ = false;
    bool closed_ = false;
    int failures_ = 0;
    int looks_ = 0;                             // For a better path than the relayed one, without success.
    std::optional<TimePoint> credentials_end_;  // Of the relays that the current generation may use.
    std::unique_ptr<ports::Scheduler::Timer> servers_timer_;
    std::unique_ptr<ports::Scheduler::Timer> deadline_timer_;
    std::unique_ptr<ports::Scheduler::Timer> settle_timer_;
    std::unique_ptr<ports::Scheduler::Timer> restart_timer_;
    std::unique_ptr<ports::Scheduler::Timer> look_again_timer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tubes::core
