// SPDX-License-Identifier: GPL-3.0-or-later
// A connection: one account of one messaging protocol, online. What a protocol implements to carry tubes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tubes/core/ports/peer_carrier.hpp"
#include "tubes/core/ports/rooms.hpp"
#include "tubes/core/ports/web_signaling.hpp"
#include "tubes/core/signaling/signals.hpp"

namespace tubes::core::ports {

/// Where a connection is on its way. Transitions: offline -> connecting -> online -> (reconnecting -> online)* ->
/// offline.
enum class ConnectionState : std::uint8_t {
    offline,       ///< Not logged in and not trying.
    connecting,    ///< First log-in under way.
    online,        ///< Signals can be sent.
    reconnecting,  ///< Was online; tries again with back-off. Signals wait until a deadline.
};

enum class Presence : std::uint8_t { offline, online, away, busy };

/// One running node of a contact, as presence shows it.
struct PeerPresence {
    PeerAddress address;
    Presence presence = Presence::offline;
    bool speaks_tubes = false;  ///< By its verified capabilities; false until they are known.
    std::string client;         ///< Client name and version if it says so; escaped before it is shown.
};

/// How the two people see each other's presence (RFC 6121 §2.1.2.5).
enum class Subscription : std::uint8_t { none, to, from, both };

/// A person on the contact list.
struct Contact {
    ContactAddress address;
    std::string name;  ///< As the user calls them; untrusted text.
    Subscription subscription = Subscription::none;
    bool is_self = false;  ///< Other nodes of the same account.
    std::vector<PeerPresence> peers;
};

/// Whether the local side of a request may be told to an unknown sender (design: nothing reveals presence).
struct SignalOrigin {
    PeerAddress from;
    bool may_see_presence = false;  ///< The sender is subscribed to our presence, or it is our own account.
    bool same_user = false;         ///< A node of this user on this machine, by the kernel's word (local protocol).
    std::optional<ContactAddress> room = std::nullopt;  ///< The sender is an occupant of this room, which we are in.
};

/// What the user and the server say of this account's servers; for `doctor` and `status`.
struct ConnectionInfo {
    std::string protocol;               ///< "xmpp", "local".
    ContactAddress self;                ///< Our own contact address.
    PeerAddress self_peer;              ///< This node's own.
    std::string server;                 ///< Host and port in use, empty where there is none.
    std::string security;               ///< "TLS 1.3, SCRAM-SHA-256": one line for people.
    std::vector<std::string> features;  ///< Server features found, for `doctor`.
};

/// One account that is, or is about to be, online. Lives on one loop; callbacks never run inside a call.
class Connection {
public:
    using SignalCallback = std::function<void(result<SignalReply>)>;
    using Responder = std::function<void(result<SignalReply>)>;

    class Handler {
    public:
        /// `reason` is set when the state is offline or reconnecting because of an error.
        virtual void on_state(ConnectionState state, error_code reason, const std::string& detail) = 0;
        /// A contact is new or changed (name, subscription, peers). The whole contact each time.
        virtual void on_contact(const Contact& contact) = 0;
        virtual void on_contact_removed(const ContactAddress& address) = 0;
        /// Somebody asks to see our presence.
        virtual void on_subscription_request(const ContactAddress& from, const std::string& text) = 0;
        /// A signal, already parsed and bounded, whose sender the server (or kernel) vouches for. `respond` is to
        /// be called exactly once, possibly later; with Errc::not_available it answers as if nobody was there.
        virtual void on_signal(const SignalOrigin& origin, Signal signal, Responder respond) = 0;
        /// The same from a foreign peer, which speaks WebRTC's signals and none of ours.
        virtual void on_web_signal(const SignalOrigin&, WebSignal, Responder respond) {
            respond(make_error_code(Errc::not_available));
        }
        /// Something happened in a room that this node is in or asked to join.
        virtual void on_room_event(const RoomEvent&) {}

    protected:
        ~Handler() = default;
    };

    virtual ~Connection() = default;

    virtual void start(Handler& handler) = 0;
    /// Logs out (bounded: 2 s), then on_state(offline). Idempotent.
    virtual void close() = 0;

    virtual ConnectionInfo info() const = 0;
    virtual ConnectionState state() const = 0;
    /// A snapshot of the contact list, own account included.
    virtual std::vector<Contact> contacts() const = 0;

    /// Sends a signal to one peer. `callback` gets the peer's reply, Errc::offline when the peer is not there,
    /// Errc::timed_out after `deadline`, Errc::not_connected when the account is offline, Errc::not_available when
    /// the peer (or its server) refuses to say. Order is kept per peer.
    virtual void send_signal(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
                             SignalCallback callback) = 0;

    /// The same to a foreign peer; nothing where the protocol knows none.
    virtual void send_web_signal(const PeerAddress&, WebSignal) {}

    /// Prepares an address typed by a person, or a config value: the contact, and the peer if it names one.
    /// Errc::invalid_argument with no side effect if it is none of this protocol's.
    virtual result<ContactAddress> parse_contact(std::string_view text) const = 0;

    /// Asks to see a contact's presence, allows theirs, refuses or revokes it. Errc::unsupported where there is no
    /// contact list to change.
    virtual result<void> request_subscription(const ContactAddress& contact) = 0;
    virtual result<void> answer_subscription(const ContactAddress& contact, bool allow) = 0;
    virtual result<void> remove_contact(const ContactAddress& contact) = 0;

    /// The machine's network changed, or it slept: makes sure at once that the server is still there, and does not
    /// wait with a reconnection that is due. For protocols without a network it does nothing.
    virtual void network_changed() {}

    /// STUN and TURN servers of the account, with credentials (XEP-0215); empty where there are none. The answer
    /// may come from a cache that is valid for the credentials' lifetime.
    virtual void find_ice_servers(std::function<void(std::vector<IceServer>)> callback) = 0;

    /// Null if the protocol has no rooms. Lives as long as the connection.
    virtual Rooms* rooms() { return nullptr; }

    /// What this protocol carries to `peer` besides signals; null if nothing.
    virtual std::shared_ptr<PeerCarrier> carrier(const PeerAddress&) { return nullptr; }
};

}  // namespace tubes::core::ports
