// SPDX-License-Identifier: LGPL-2.1-or-later
// Snapshots and events: what a node knows, as plain data. Text in here that came from a network is untrusted: escape
// it before a terminal sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tubes/export.hpp"
#include "tubes/types.hpp"

namespace tubes {
inline namespace v0 {

/// Where an account is on its way.
enum class AccountState : std::uint8_t { offline, connecting, online, reconnecting };
TUBES_API std::string_view to_string(AccountState state) noexcept;

/// One account of this node. "local" is always there: this user's programs on this machine.
struct AccountInfo {
    std::string name;      ///< The account's address: "alice@example.org"; "local".
    std::string protocol;  ///< "xmpp", "local".
    AccountState state = AccountState::offline;
    error_code reason;   ///< Why it is offline or reconnecting.
    std::string detail;  ///< The same for people, with what to do.
    std::string server;
    std::string security;  ///< "TLS 1.3, SCRAM-SHA-256".
    std::vector<std::string> features;
    std::string device;  ///< This device's name: hexadecimal SHA-256 of its identity key.
};

/// A running node of a contact.
struct PeerInfo {
    std::string address;   ///< Names this node in ConnectOptions::peer.
    std::string presence;  ///< "online", "away", "busy", "offline".
    bool speaks_tubes = false;
    std::string client;
};

/// A person on an account's contact list.
struct ContactInfo {
    std::string account;
    std::string address;
    std::string name;
    std::string subscription;  ///< "none", "to", "from", "both".
    bool is_self = false;
    std::vector<PeerInfo> peers;
};

/// A service a contact's device offers to this user.
struct OfferedService {
    std::string peer;
    std::string device;
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
};

/// What is known of a key when a decision is asked for.
enum class KeyStanding : std::uint8_t { known, first, new_key };
TUBES_API std::string_view to_string(KeyStanding standing) noexcept;

/// A request for one of our services, or an offer made to us, that waits for an answer.
struct PendingInfo {
    std::string id;
    bool is_offer = false;
    std::string account;
    std::string contact;
    std::string peer;
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    std::string device;  ///< Hexadecimal SHA-256 of the key it presents; empty for a WebRTC program, which has none.
    KeyStanding standing = KeyStanding::first;
    std::chrono::seconds expires_in{0};
};

/// A step of a set-up and when it was reached, counted from the start.
struct Phase {
    std::string name;
    std::chrono::microseconds at{0};
};

/// A tube, pending or open.
struct TubeInfo {
    std::string id;
    std::string link;
    std::string account;
    std::string contact;
    std::string peer;
    std::string device;
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    std::string state;      ///< "pending", "connecting", "open", "closed".
    bool incoming = false;  ///< The peer uses our share.
    std::size_t streams = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    // Of a datagram tube, whose `streams` are its flows:
    std::uint64_t datagrams_sent = 0;
    std::uint64_t datagrams_received = 0;
    std::uint64_t datagrams_dropped = 0;  ///< On this side, since the path took too long.
    std::uint64_t datagrams_missed = 0;   ///< Sent by the peer and not arrived: lost, dropped there, or still coming.
    std::vector<Phase> phases;
};

/// One way a link's bytes travel; at most one is active.
struct PathInfo {
    PathKind kind = PathKind::loopback;
    bool active = false;
    std::string local_address;
    std::string remote_address;
    std::string detail;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::optional<std::chrono::microseconds> rtt;
};

/// The one secured session with a device, and how it is reached just now.
struct LinkInfo {
    std::string id;
    std::string account;
    std::string contact;
    std::string peer;
    std::string device;
    std::string state;  ///< "connecting", "open", "stalled", "closed".
    std::vector<PathInfo> paths;
    std::string why_relayed;
    std::optional<std::chrono::microseconds> rtt;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::size_t streams = 0;
    std::size_t largest_datagram = 0;  ///< Bytes; 0: the peer's version has no datagrams.
    std::size_t packet_datagram = 0;   ///< Bytes that one packet of the network carries on the path in use.
    std::uint32_t path_changes = 0;
};

/// A service that this node shares.
struct ShareInfo {
    std::string service;
    TubeKind kind = TubeKind::stream;
    std::string target;
    std::vector<std::string> audience;
    Policy policy = Policy::ask;
};

/// Everything at one moment.
struct Status {
    std::vector<AccountInfo> accounts;
    std::vector<ShareInfo> shares;
    std::vector<TubeInfo> tubes;
    std::vector<LinkInfo> links;
    std::vector<PendingInfo> pending;
};

/// A key seen for a contact.
struct PinInfo {
    std::string device;  ///< Hexadecimal SHA-256 of the key.
    std::string key;     ///< Hexadecimal.
    std::string digits;  ///< Sixty digits to compare with the contact, in groups of five.
    bool accepted = false;
    bool verified = false;
    std::chrono::system_clock::time_point first_seen;
};

/// Round trip to one device.
struct PingInfo {
    std::string peer;
    std::chrono::microseconds rtt{0};
    std::optional<PathInfo> path;  ///< Empty: through the server.
};

/// One thing that an examination of this machine and its network found. See Node::async_diagnose.
struct Finding {
    /// How much a finding matters.
    enum class Severity : std::uint8_t { fine, note, problem };
    std::string topic;  ///< "interfaces", "account alice@example.org", "nat", "relay", "clock".
    Severity severity = Severity::fine;
    std::string text;    ///< What was found, one sentence.
    std::string advice;  ///< What to do about it; empty where there is nothing to do.
};

// Events, in the order in which they happened. See Events in node.hpp.
/// An account's state or server changed.
struct AccountChanged {
    AccountInfo account;
};
/// A contact came, changed, or changed its devices.
struct ContactChanged {
    ContactInfo contact;
};
/// A contact is no longer on the list.
struct ContactRemoved {
    std::string account, contact;
};
/// A person asks to see when this user is online; answer with Node::async_answer_contact.
struct SubscriptionRequested {
    std::string account, contact, text;
};
/// A contact asks to use a service, or offers one; answer with Node::async_answer or async_accept_offer.
struct RequestPending {
    PendingInfo request;
};
/// A pending request is over without this user's answer.
struct RequestEnded {
    std::string id;
    Errc reason;
};
/// A tube is open and carries streams.
struct TubeOpened {
    TubeInfo tube;
};
/// A tube is closed; no stream of it remains.
struct TubeClosed {
    std::string id;
    Errc reason;
};
/// An offer of this node is over: taken, refused, withdrawn or expired.
struct OfferEnded {
    std::string id;
    Errc reason;
};
/// A link opened, moved to another path, stalled or closed.
struct LinkChanged {
    LinkInfo link;
};
/// A contact presents a key that is not pinned; its tubes wait for this user's decision.
struct KeyChanged {
    std::string account, contact, device;
};
/// A stream of a share could not be joined to its target.
struct TargetFailed {
    std::string service, target;
    error_code reason;
};
/// A local program sent a datagram that the tube does not carry; told once for each flow.
struct DatagramTooLarge {
    std::string service;
    std::size_t size = 0;     ///< Bytes.
    std::size_t largest = 0;  ///< Bytes that the tube carries.
};
/// The application did not take its events; this many were dropped.
struct EventsLost {
    std::size_t count;
};

using Event = std::variant<AccountChanged, ContactChanged, ContactRemoved, SubscriptionRequested, RequestPending,
                           RequestEnded, TubeOpened, TubeClosed, OfferEnded, LinkChanged, KeyChanged, TargetFailed,
                           DatagramTooLarge, EventsLost>;

}  // namespace v0
}  // namespace tubes
