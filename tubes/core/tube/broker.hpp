// SPDX-License-Identifier: GPL-3.0-or-later
// The broker: shares, offers and tubes of one node, and the links they ride on. It applies the policies, negotiates
// through the connections and owns the links. Everything that opens passes through here.
// Spec: docs/protocol.md, "Signaling", "Offers and shares", "Consent".
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tubes/core/link/link.hpp"
#include "tubes/core/ports/connection.hpp"
#include "tubes/core/ports/transport.hpp"
#include "tubes/core/ports/trust_store.hpp"
#include "tubes/core/ports/web_transport.hpp"

namespace tubes::core {

/// Who may use a share.
struct ShareSpec {
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    ports::AccountName account;            ///< Empty: every account may carry it (the audience still decides).
    std::vector<ContactAddress> audience;  ///< Contacts, and rooms for their occupants. Empty: only this user on this
                                           ///< machine (SignalOrigin::same_user).
    Policy policy = Policy::ask;           ///< For the audience, unless the policy store says always or never.
    bool trust_first_key = false;          ///< With always: also a contact's first key ever, unseen until now.
    bool web = false;                      ///< Also for foreign peers of the audience, which have no key at all.
    std::uint32_t tubes = 64;              ///< Open at once; then limit_exceeded, seen as not_available outside.
};

struct OfferSpec {
    ports::AccountName account;
    ContactAddress contact;
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    std::chrono::seconds lifetime{600};  ///< 1 s to 7 days.
};

struct ConnectSpec {
    ports::AccountName account;
    ContactAddress contact;
    std::optional<PeerAddress> peer;     ///< Only this node of the contact; empty: any that has the service.
    std::optional<ContactAddress> room;  ///< The contact is an occupant of it, and `peer` says which.
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    std::chrono::milliseconds deadline{60000};  ///< From the call to an open tube; waiting counts.
};

/// How a contact's key stands with us when a decision is needed.
enum class KeyStanding : std::uint8_t {
    known,    ///< Accepted or verified before.
    first,    ///< The contact's first key ever: trust on first use, if the user says yes.
    new_key,  ///< The contact has other accepted keys: never covered by "always".
};

/// A request that waits for the user, or an offer that came in.
struct PendingRequest {
    OfferId id;  ///< Names it in answer(); random, for requests too.
    bool is_offer = false;
    ports::AccountName account;
    PeerAddress from;
    std::optional<ContactAddress> room;  ///< Where `from` is an occupant.
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    PublicKey key;
    KeyStanding standing = KeyStanding::first;
    TimePoint expires;
    bool web = false;  ///< Of a foreign peer: it has no key, only its account's word.
};

enum class TubeState : std::uint8_t { pending, connecting, open, closed };

/// A step of the set-up and when it was reached, since the start: "requested", "accepted", "first-candidate",
/// "path", "proved", "open".
struct SetupPhase {
    std::string name;
    std::chrono::microseconds at{0};
};

struct TubeStatus {
    TubeId id;
    LinkId link;
    ports::AccountName account;
    PeerAddress peer;
    std::optional<ContactAddress> room;  ///< Where the peer is an occupant.
    PublicKey peer_key;
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    TubeState state = TubeState::pending;
    bool incoming = false;         ///< The peer uses our share or offer.
    std::optional<OfferId> offer;  ///< The offer that it came from, on both sides; empty for a share.
    std::size_t streams = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    FlowCounters datagrams;  ///< Of all flows, for a datagram tube.
    std::vector<SetupPhase> phases;
};

struct LinkReport {
    LinkId id;
    ports::AccountName account;
    PeerAddress peer;
    PublicKey peer_key;
    LinkRole role = LinkRole::initiator;
    LinkStatus status;
    std::string why_relayed;  ///< One line for people when the active path is relayed: what was tried, what failed.
};

/// Named limits of a broker. docs/protocol.md, "Limits".
struct BrokerLimits {
    std::size_t shares = 256;
    std::size_t offers_out = 256;
    std::size_t pending_per_contact = 8;  ///< Requests and offers of one contact that wait for the user.
    std::size_t pending_total = 128;
    std::size_t links = 1024;
    std::size_t tubes_per_link = 256;
    std::size_t web_sessions_per_contact = 8;        ///< Of foreign peers.
    std::uint32_t signals_per_minute = 240;          ///< Of one contact whose presence we share.
    std::uint32_t stranger_signals_per_minute = 10;  ///< Of all senders who may not see our presence, together.
    std::chrono::seconds request_lifetime{120};      ///< How long a request waits for the user.
    std::chrono::seconds negotiation{30};            ///< From accept to the first proved path: then no_path.
    std::chrono::seconds linger{30};                 ///< A link without tubes is kept this long.
};

/// See the head of the file. Lives on one loop. Callbacks never run inside a call.
class Broker {
public:
    class Handler {
    public:
        /// A request or an offer waits for the user's answer(). Policies were applied before.
        virtual void on_pending(const PendingRequest& request) = 0;
        /// It is over without an answer of ours: cancelled, withdrawn, expired, taken.
        virtual void on_pending_ended(const OfferId& id, Errc reason) = 0;
        /// A peer's tube to a share or offer of ours is open; streams follow. Also (`incoming` false) a tube from an
        /// offer that the user's standing "always" accepted without asking.
        virtual void on_tube_open(const TubeStatus& tube) = 0;
        /// The peer opened a stream in an open tube.
        virtual void on_stream(const TubeId& tube, std::shared_ptr<Stream> stream) = 0;
        virtual void on_tube_closed(const TubeId& tube, Errc reason) = 0;
        /// One of our offers ended: taken (open follows or followed), declined (refused), expired.
        virtual void on_offer_ended(const OfferId& id, Errc reason) = 0;
        /// A link changed its path or state.
        virtual void on_link(const LinkReport& report) = 0;
        /// A contact showed a key that is not pinned although others are. The request asks or was refused.
        virtual void on_new_key(const ports::AccountName& account, const ContactAddress& contact,
                                const PublicKey& key) = 0;
        /// What a connection said; passed on so that one object listens to connections.
        virtual void on_connection_state(const ports::AccountName& account, ports::ConnectionState state,
                                         error_code reason, const std::string& detail) = 0;
        virtual void on_contact(const ports::AccountName& account, const ports::Contact& contact) = 0;
        virtual void on_contact_removed(const ports::AccountName& account, const ContactAddress& contact) = 0;
        virtual void on_subscription_request(const ports::AccountName& account, const ContactAddress& contact,
                                             const std::string& text) = 0;
        /// Something happened in a room of join_room(). Tubes of occupants who left are closed by then.
        virtual void on_room_event(const ports::AccountName&, const ports::RoomEvent&) {}

    protected:
        ~Handler() = default;
    };

    /// What a broker works with; all of it outlives the broker.
    struct Environment {
        ports::Scheduler* scheduler = nullptr;
        const ports::Crypto* crypto = nullptr;
        ports::TrustStore* trust = nullptr;
        const ports::PolicyStore* policies = nullptr;
        std::vector<ports::Transport*> transports;
        ports::WebTransport* web = nullptr;  ///< Null: no foreign peers.
    };

    static std::unique_ptr<Broker> make(Environment environment, BrokerLimits limits, LinkLimits link_limits,
                                        Handler& handler);
    virtual ~Broker() = default;

    /// Takes an account's connection and starts it. `identity` outlives the broker. already_exists.
    virtual result<void> add_connection(ports::AccountName account, std::unique_ptr<ports::Connection> connection,
                                        const ports::Identity& identity) = 0;
    /// Closes the account's links, tubes and connection; `done` when it is offline.
    virtual void remove_connection(const ports::AccountName& account, std::function<void()> done) = 0;
    /// Null if there is none of that name.
    virtual ports::Connection* connection(const ports::AccountName& account) = 0;

    /// Adds a standing share; tells nobody. already_exists (service name), invalid_argument, limit_exceeded.
    virtual result<void> share(ShareSpec spec) = 0;
    /// Removes it and closes its tubes at once. not_found.
    virtual result<void> unshare(const std::string& service) = 0;

    /// Proposes a tube to every device of a contact that speaks tubes, and to those that come online while it
    /// stands. The first accept wins; the others are told. Ends by on_offer_ended.
    virtual result<OfferId> offer(OfferSpec spec) = 0;
    /// Takes an offer back. not_found.
    virtual result<void> withdraw(const OfferId& id) = 0;

    using TubeCallback = std::function<void(result<TubeStatus>)>;

    /// Opens a tube to a share of a contact. Reuses the link to that device where there is one. Waits, within the
    /// deadline, for the account to be online and for a device of the contact to be there. Errors: offline (nobody
    /// came), not_available, refused, timed_out, no_path, key_changed, identity_mismatch, not_connected,
    /// limit_exceeded. The returned id cancels it through close_tube().
    virtual TubeId connect(ConnectSpec spec, TubeCallback callback) = 0;

    /// Requests and offers that wait.
    virtual std::vector<PendingRequest> pending() const = 0;
    /// Says yes or no. For an accepted offer the tube follows in `callback` (errors as for connect, and taken,
    /// withdrawn, expired); for an accepted request it comes by on_tube_open and `callback` gets it too.
    /// Accepting pins the key. not_found.
    virtual void answer(const OfferId& id, bool accept, TubeCallback callback) = 0;

    /// Opens a stream in an open tube. not_found, limit_exceeded, broken.
    virtual result<std::shared_ptr<Stream>> open_stream(const TubeId& tube) = 0;
    /// Closes a tube, or cancels one that is not open yet; tells the peer.
    virtual void close_tube(const TubeId& tube, Errc reason) = 0;

    /// Which services that contact's devices offer us, per device that answers in time.
    struct PeerServices {
        PeerAddress peer;
        PublicKey identity;
        std::vector<ServiceInfo> services;
    };
    virtual void query_services(const ports::AccountName& account, const ContactAddress& contact,
                                std::chrono::milliseconds deadline,
                                std::function<void(result<std::vector<PeerServices>>)> callback) = 0;

    /// Round trip to each device: over the open link where there is one, else through the server. Opens nothing.
    struct PingResult {
        PeerAddress peer;
        std::chrono::microseconds rtt{0};
        std::optional<ports::PathInfo> path;  ///< Empty: through the server.
    };
    virtual void ping(const ports::AccountName& account, const ContactAddress& contact,
                      std::chrono::milliseconds deadline,
                      std::function<void(result<std::vector<PingResult>>)> callback) = 0;

    /// Compares a short string on a live link (commit then reveal): both users see the same six words or digits
    /// exactly if nobody stands between. not_found without an open link.
    virtual void start_verification(const LinkId& link, std::function<void(result<std::string>)> callback) = 0;

    /// Joins a room; what comes of it follows as on_room_event. `addresses`: which addresses links with its occupants
    /// may use unless a policy says more; empty: relayed ones only, but for people whose key the user accepted.
    /// Errors as ports::Rooms::join, unsupported (no rooms there), not_found (account).
    virtual result<void> join_room(const ports::AccountName& account, ports::RoomJoin join,
                                   std::optional<AddressPolicy> addresses) = 0;
    /// Leaves it and closes the tubes with its occupants at once.
    virtual void leave_room(const ports::AccountName& account, const ContactAddress& room) = 0;

    /// Re-applies policies after the user changed them: closes what is no longer allowed.
    virtual void policies_changed() = 0;

    /// The machine's addresses or routes changed: links look for new paths at once, without losing those they have.
    virtual void network_changed() = 0;
    /// The machine slept, or its network may have been away: links and accounts make sure at once that the other end
    /// is still there. Part of network_changed().
    virtual void check_paths() = 0;

    virtual std::vector<TubeStatus> tubes() const = 0;
    virtual std::vector<LinkReport> links() const = 0;
};

/// Sixty decimal digits over two identity keys and their accounts, the same on both sides, for comparison by any
/// means, offline (docs/protocol.md, "Verification").
std::string verification_digits(const ports::Crypto& crypto, const ContactAddress& a, const PublicKey& a_key,
                                const ContactAddress& b, const PublicKey& b_key);

}  // namespace tubes::core
