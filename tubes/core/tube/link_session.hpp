// SPDX-License-Identifier: GPL-3.0-or-later
// One link from request to end as the broker sees it: its state, its negotiation, and the Link once both accepted.
// Spec: docs/protocol.md, "Signaling".
#pragma once

#include <map>
#include <set>

#include "tubes/core/negotiation/link_negotiator.hpp"
#include "tubes/core/trust/verification.hpp"
#include "tubes/core/tube/broker.hpp"

namespace tubes::core {

/// Where a link stands with the broker.
enum class SessionState : std::uint8_t {
    requesting,   ///< Ours: LinkInitiate is being prepared or was sent; the peer has not accepted.
    requested,    ///< The peer's: its request waits for a decision. Nothing of ours has left.
    accepting,    ///< The peer's, accepted: our attempts describe themselves for LinkAccept.
    negotiating,  ///< Both accepted; no path has proved itself yet.
    open,         ///< A path carries data.
    stalled,      ///< Had a path, has none.
    closed,       ///< Over; kept until its last frames are out.
};

/// Who a session is with and how it began.
struct SessionOrigin {
    LinkId id;
    ports::AccountName account;
    PeerAddress peer;
    LinkRole role = LinkRole::initiator;
    bool same_user = false;
    bool listed = false;                 ///< Presence showed the peer when it began.
    std::optional<ContactAddress> room;  ///< The peer is an occupant of it.
    AddressPolicy addresses = AddressPolicy::relay_only;
    TubeRequest first;  ///< The tube whose request began the link.
};

/// What all sessions work with.
struct SessionEnvironment {
    ports::Scheduler* scheduler = nullptr;
    const ports::Crypto* crypto = nullptr;
    const ports::Identity* identity = nullptr;
    ContactAddress self;
    std::vector<ports::Transport*> transports;
    LinkLimits link_limits;
    std::chrono::milliseconds negotiation{30000};
    LinkNegotiator::FindServers find_servers;
    std::shared_ptr<ports::PeerCarrier> carrier;
};

/// See the head of the file. Decides nothing: policies, tubes and glare are the broker's. Lives on the loop.
class LinkSession final : private Link::Handler, private LinkNegotiator::Handler {
public:
    using Delivered = LinkNegotiator::Delivered;

    /// Told on the loop; may call back into the session, but never destroys it inside a call.
    class Owner {
    public:
        /// `delivered` gets the signal's fate and may be empty.
        virtual void send_session_signal(LinkSession& session, Signal signal, Delivered delivered) = 0;
        virtual void on_session_open(LinkSession& session) = 0;
        virtual void on_session_stream(LinkSession& session, std::shared_ptr<Stream> stream) = 0;
        virtual void on_session_control(LinkSession& session, ControlMessage message) = 0;
        virtual void on_session_changed(LinkSession& session) = 0;
        /// A candidate of the peer's, or a path, came for the first time; for set-up phases.
        virtual void on_session_phase(LinkSession& session, const char* phase) = 0;
        /// The session cannot go on: the owner close()s it, telling the peer if `tell`. Not called for close().
        virtual void on_session_ended(LinkSession& session, Errc reason, bool tell) = 0;
        /// A closed session has nothing left to say: it can be destroyed.
        virtual void on_session_gone(LinkSession& session) = 0;

    protected:
        ~Owner() = default;
    };

    LinkSession(SessionOrigin origin, SessionEnvironment environment, Owner& owner);
    ~LinkSession();

    /// Ours: gathers, then sends LinkInitiate.
    void initiate();
    /// The peer's: remembers what LinkInitiate said.
    void requested(const LinkInitiate& message);
    /// The peer's request is granted: gathers, then sends LinkAccept. `parameters` are told to the peer.
    void accept(Parameters parameters);
    /// Ours was accepted, and the key is in order: begins the link.
    void accepted(const LinkAccept& message);

    void on_candidates(const LinkCandidates& message);
    void on_restart(const LinkRestart& message);
    /// Addresses or routes changed: other paths are looked for, and the present ones have to answer.
    void network_changed();
    /// The machine slept, or may have: the present paths have to answer.
    void check_paths();
    /// The account can send signals again.
    void connection_restored() { negotiator_.connection_restored(); }
    /// Whether the server shows the peer: once it does again, signals reach it.
    void peer_is_there(bool there);

    /// Ends it. `tell`: the peer is told, over the path or by LinkTerminate.
    void close(Errc reason, bool tell, std::optional<LinkId> survivor = std::nullopt);

    SessionState state() const noexcept { return state_; }
    /// Both sides have accepted, and it is not over.
    bool is_accepted() const noexcept;
    const SessionOrigin& origin() const noexcept { return origin_; }
    /// The peer took another nickname in its room.
    void renamed(PeerAddress peer) { origin_.peer = std::move(peer); }
    const LinkId& id() const noexcept { return origin_.id; }
    const PublicKey& peer_key() const noexcept { return peer_key_; }
    Link* link() noexcept { return link_.get(); }
    ShortStringExchange* verification() noexcept { return verification_.get(); }
    LinkReport report() const;

    std::set<TubeId> tubes;  ///< Tubes that ride on it or wait for it.
    /// Requests that were granted while another link to the peer came up: they ask again on this one, and pass.
    std::map<TubeId, std::function<void(result<TubeStatus>)>> preapproved;
    std::unique_ptr<ports::Scheduler::Timer> linger;
    std::unique_ptr<ports::Scheduler::Timer> verification_deadline;

private:
    void on_open() override;
    void on_stream(std::shared_ptr<Stream> stream) override;
    void on_control(ControlMessage message) override;
    void on_path_change(const LinkStatus& status) override;
    void on_path_refused(PathKind kind, error_code reason) override;
    void on_closed(error_code reason) override;

    void on_prepared(std::vector<ports::TransportDescription> descriptions) override;
    void send_negotiation(Signal signal, Delivered delivered) override;
    void on_negotiated_path(std::unique_ptr<ports::MessagePath> path, std::uint32_t generation) override;
    void on_no_path() override;

    void send_initiate(std::vector<ports::TransportDescription> descriptions);
    void send_accept(std::vector<ports::TransportDescription> descriptions);
    void make_link();
    void end(Errc reason, bool tell);
    void phase_once(bool& flag, const char* phase);

    SessionOrigin origin_;
    SessionEnvironment environment_;
    Owner& owner_;
    SessionState state_ = SessionState::requesting;
    PublicKey peer_key_;
    Parameters accept_parameters_;
    std::vector<ports::TransportDescription> remote_;
    LinkNegotiator negotiator_;
    std::unique_ptr<Link> link_;
    std::unique_ptr<ShortStringExchange> verification_;
    bool saw_candidate_ = false;
    bool peer_there_ = true;
    bool saw_path_ = false;
    bool link_closed_ = false;
    bool saw_impostor_ = false;  // A path came up, but not to the key that was announced.
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tubes::core
