// SPDX-License-Identifier: GPL-3.0-or-later
// Field by field.
#include "tubes/engine/convert.hpp"

namespace tubes::engine {
namespace {

using core::LinkState;
using core::TubeState;
using core::ports::Presence;
using core::ports::Subscription;

const char* name_of(TubeState state) {
    switch (state) {
        case TubeState::pending: return "pending";
        case TubeState::connecting: return "connecting";
        case TubeState::open: return "open";
        case TubeState::closed: return "closed";
    }
    return "unknown";
}

const char* name_of(LinkState state) {
    switch (state) {
        case LinkState::connecting: return "connecting";
        case LinkState::open: return "open";
        case LinkState::stalled: return "stalled";
        case LinkState::closed: return "closed";
    }
    return "unknown";
}

const char* name_of(Presence presence) {
    switch (presence) {
        case Presence::offline: return "offline";
        case Presence::online: return "online";
        case Presence::away: return "away";
        case Presence::busy: return "busy";
    }
    return "unknown";
}

const char* name_of(Subscription subscription) {
    switch (subscription) {
        case Subscription::none: return "none";
        case Subscription::to: return "to";
        case Subscription::from: return "from";
        case Subscription::both: return "both";
    }
    return "unknown";
}

KeyStanding to_standing(core::KeyStanding standing) {
    switch (standing) {
        case core::KeyStanding::known: return KeyStanding::known;
        case core::KeyStanding::first: return KeyStanding::first;
        case core::KeyStanding::new_key: return KeyStanding::new_key;
    }
    return KeyStanding::new_key;
}

PathInfo to_status(const core::PathStatus& path) {
    auto info = to_info(path.info);
    info.active = path.active;
    info.bytes_sent = path.metrics.bytes_sent;
    info.bytes_received = path.metrics.bytes_received;
    info.rtt = path.metrics.rtt;
    return info;
}

}  // namespace

std::string device_name(const core::PublicKey& key, const core::ports::Crypto& crypto) {
    return key == core::PublicKey{} ? std::string() : crypto.sha256(key.view()).hex();
}

TubeInfo to_info(const core::TubeStatus& tube, const core::ports::Crypto& crypto) {
    TubeInfo info;
    info.id = tube.id.hex();
    info.link = tube.link == core::LinkId{} ? "" : tube.link.hex();
    info.account = tube.account;
    info.contact = tube.peer.contact.value;
    info.peer = tube.peer.value;
    info.device = device_name(tube.peer_key, crypto);
    info.service = tube.service;
    info.kind = tube.kind;
    info.parameters = tube.parameters;
    info.state = name_of(tube.state);
    info.incoming = tube.incoming;
    info.streams = tube.streams;
    info.bytes_sent = tube.bytes_sent;
    info.bytes_received = tube.bytes_received;
    info.datagrams_sent = tube.datagrams.sent;
    info.datagrams_received = tube.datagrams.received;
    info.datagrams_dropped = tube.datagrams.dropped;
    info.datagrams_missed = tube.datagrams.missed;
    for (const auto& phase : tube.phases) info.phases.push_back({phase.name, phase.at});
    return info;
}

PathInfo to_info(const core::ports::PathInfo& path) {
    PathInfo info;
    info.kind = path.kind;
    info.local_address = path.local_address;
    info.remote_address = path.remote_address;
    info.detail = path.detail;
    return info;
}

LinkInfo to_info(const core::LinkReport& link, const core::ports::Crypto& crypto) {
    LinkInfo info;
    info.id = link.id.hex();
    info.account = link.account;
    info.contact = link.peer.contact.value;
    info.peer = link.peer.value;
    info.device = device_name(link.peer_key, crypto);
    info.state = name_of(link.status.state);
    for (const auto& path : link.status.paths) info.paths.push_back(to_status(path));
    info.why_relayed = link.why_relayed;
    info.rtt = link.status.rtt;
    info.bytes_sent = link.status.bytes_sent;
    info.bytes_received = link.status.bytes_received;
    info.streams = link.status.streams;
    info.largest_datagram = link.status.largest_datagram;
    info.packet_datagram = link.status.packet_datagram;
    info.path_changes = link.status.path_changes;
    return info;
}

ContactInfo to_info(const core::ports::AccountName& account, const core::ports::Contact& contact) {
    ContactInfo info;
    info.account = account;
    info.address = contact.address.value;
    info.name = contact.name;
    info.subscription = name_of(contact.subscription);
    info.is_self = contact.is_self;
    for (const auto& peer : contact.peers) {
        info.peers.push_back({peer.address.value, name_of(peer.presence), peer.speaks_tubes, peer.client});
    }
    return info;
}

PendingInfo to_info(const core::PendingRequest& request, const core::ports::Crypto& crypto, core::TimePoint now) {
    PendingInfo info;
    info.id = request.id.hex();
    info.is_offer = request.is_offer;
    info.account = request.account;
    info.contact = request.from.contact.value;
    info.peer = request.from.value;
    info.service = request.service;
    info.kind = request.kind;
    info.parameters = request.parameters;
    info.device = device_name(request.key, crypto);
    info.standing = to_standing(request.standing);
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(request.expires - now);
    info.expires_in = std::max(left, std::chrono::seconds(0));
    return info;
}

AccountState to_state(core::ports::ConnectionState state) noexcept {
    switch (state) {
        case core::ports::ConnectionState::offline: return AccountState::offline;
        case core::ports::ConnectionState::connecting: return AccountState::connecting;
        case core::ports::ConnectionState::online: return AccountState::online;
        case core::ports::ConnectionState::reconnecting: return AccountState::reconnecting;
    }
    return AccountState::offline;
}

}  // namespace tubes::engine
