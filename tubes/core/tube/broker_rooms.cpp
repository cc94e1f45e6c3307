// SPDX-License-Identifier: GPL-3.0-or-later
// The broker's rooms: what this node offers there, and what becomes of tubes when occupants come, go and rename.
// Spec: docs/protocol.md, "Rooms".
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {
namespace {

// How a tube with an occupant ends when their stay, or ours, does.
Errc reason_of(ports::RoomEnd end) {
    using ports::RoomEnd;
    switch (end) {
        case RoomEnd::kicked:
        case RoomEnd::banned:
        case RoomEnd::members_only:
        case RoomEnd::removed: return Errc::refused;
        default: return Errc::offline;
    }
}

}  // namespace

result<void> BrokerImpl::join_room(const ports::AccountName& name, ports::RoomJoin join,
                                   std::optional<AddressPolicy> addresses) {
    auto* account = find_account(name);
    if (!account) return make_error_code(Errc::not_found);
    auto* rooms = account->connection().rooms();
    if (!rooms) return make_error_code(Errc::unsupported);
    if (auto asked = rooms->join(join); !asked) return asked;
    rooms_[{name, join.room}] = addresses;
    announce(*account, join.room);
    return {};
}

void BrokerImpl::leave_room(const ports::AccountName& name, const ContactAddress& room) {
    auto* account = find_account(name);
    if (!account || !rooms_.contains({name, room})) return;
    // The others are told over the links before they see us leave.
    drop_occupants(name, room, Errc::cancelled, [](const PeerAddress&) { return true; });
    rooms_.erase({name, room});
    account->connection().rooms()->leave(room);
}

void BrokerImpl::on_account_room_event(Account& account, const ports::RoomEvent& event) {
    std::visit([&](const auto& what) { on_room(account, event.room, what); }, event.what);
    const auto name = account.name();
    notify([name, event](Handler& handler) { handler.on_room_event(name, event); });
}

void BrokerImpl::on_room(Account& account, const ContactAddress& room, const ports::RoomChanged& changed) {
    const auto name = account.name();
    if (changed.state == ports::RoomState::left) {
        rooms_.erase({name, room});
        return drop_occupants(name, room, reason_of(changed.end), [](const PeerAddress&) { return true; });
    }
    if (changed.state != ports::RoomState::joined) return;
    // Back after a lost connection: who is not there any more has left meanwhile.
    drop_occupants(name, room, Errc::offline,
                   [&](const PeerAddress& peer) { return !account.occupant(room, peer).has_value(); });
}

void BrokerImpl::on_room(Account& account, const ContactAddress& room, const ports::OccupantLeft& left) {
    drop_occupants(account.name(), room, reason_of(left.end),
                   [&left](const PeerAddress& peer) { return peer == left.occupant.address; });
}

void BrokerImpl::on_room(Account& account, const ContactAddress& room, const ports::OccupantRenamed& renamed) {
    const auto name = account.name();
    const auto& now_called = renamed.occupant.address;
    // Without ids a nickname is all that a link was proved for.
    if (now_called.contact != renamed.before.contact) {
        return drop_occupants(name, room, Errc::offline,
                              [&renamed](const PeerAddress& peer) { return peer == renamed.before; });
    }
    for (auto& [id, session] : sessions_) {
        if (session->origin().account == name && session->origin().peer == renamed.before) session->renamed(now_called);
    }
    for (auto& [id, tube] : tubes_) {
        if (tube.status.account == name && tube.status.peer == renamed.before) tube.status.peer = now_called;
    }
    for (const auto& id : pending_.of_contact(name, now_called.contact)) {
        if (auto* waiting = pending_.find(id); waiting->request.from == renamed.before) {
            waiting->request.from = now_called;
        }
    }
}

void BrokerImpl::drop_occupants(const ports::AccountName& account, const ContactAddress& room, Errc reason,
                                const std::function<bool(const PeerAddress&)>& is_over) {
    std::vector<LinkId> links;
    for (const auto& [id, session] : sessions_) {
        const auto& origin = session->origin();
        if (origin.account == account && origin.room == room && is_over(origin.peer)) links.push_back(id);
    }
    for (const auto& id : links) {
        if (auto* session = find_session(id)) end_session(*session, reason, true);
    }
    std::vector<TubeId> tubes;
    for (const auto& [id, tube] : tubes_) {
        const auto& status = tube.status;
        if (status.account == account && status.room == room && is_over(status.peer)) tubes.push_back(id);
    }
    for (const auto& id : tubes) end_tube(id, reason, false);
    for (const auto& request : pending_.list()) {
        if (request.account == account && request.room == room && is_over(request.from)) {
            end_pending(request.id, reason);
        }
    }
}

Asker BrokerImpl::asker_of(const Account& account, const Origin& origin) const {
    Asker asker{account.name(), origin.from.contact, origin.same_user};
    asker.room = origin.room;
    if (!origin.room) return asker;
    if (const auto occupant = account.occupant(*origin.room, origin.from)) asker.real = occupant->real;
    return asker;
}

Asker BrokerImpl::asker_of(const LinkSession& session) const {
    const auto& origin = session.origin();
    const auto account = accounts_.find(origin.account);
    if (account == accounts_.end()) return {origin.account, origin.peer.contact, origin.same_user, origin.room};
    return asker_of(*account->second, Origin{origin.peer, false, origin.same_user, origin.room});
}

AddressPolicy BrokerImpl::addresses_for(const Asker& asker, const PublicKey& key, bool known) const {
    const auto& policies = *environment_.policies;
    if (!asker.room) {
        const auto fallback = known ? AddressPolicy::all : AddressPolicy::relay_only;
        return policies.addresses(asker.account, asker.contact, fallback);
    }
    auto allowed = asker.same_user ? AddressPolicy::all : AddressPolicy::relay_only;
    const auto room = rooms_.find({asker.account, *asker.room});
    if (room != rooms_.end() && room->second) allowed = *room->second;
    allowed = policies.addresses(asker.account, *asker.room, allowed);
    // A friend by their key, whatever the room says of them.
    const bool is_friend = asker.real && keys_.standing(asker.account, *asker.real, key) == KeyStanding::known;
    if (is_friend) allowed = policies.addresses(asker.account, *asker.real, AddressPolicy::all);
    // An entry for everybody must not undo what the user said of the room.
    return std::max(allowed, policies.addresses(asker.account, asker.contact, allowed));
}

result<void> BrokerImpl::aim_at_occupant(TubeRecord& tube, Account& account, SessionOrigin& origin) {
    const auto& room = tube.status.room;
    const auto occupant = account.occupant(*room, origin.peer);
    if (!occupant || !occupant->tubes) return make_error_code(Errc::offline);
    origin.room = room;
    origin.same_user = account.connection().info().protocol == "local";
    origin.listed = false;
    const auto asker = asker_of(account, Origin{origin.peer, false, origin.same_user, room});
    const auto& key = occupant->tubes->identity;
    const auto standing = consent_.standing(asker, key);
    note_key(asker, key, standing);
    if (standing == KeyStanding::new_key) return make_error_code(Errc::key_changed);
    tube.expected_key = key;
    origin.addresses = addresses_for(asker, key, false);
    return {};
}

void BrokerImpl::announce(Account& account, const ContactAddress& room) {
    auto* rooms = account.connection().rooms();
    Asker everybody{account.name(), room, false};
    everybody.room = room;
    rooms->announce(room, ServiceList{account.identity().public_key(), consent_.services_for(everybody)});
}

void BrokerImpl::announce_everywhere() {
    for (const auto& [key, addresses] : rooms_) {
        if (auto* account = find_account(key.first)) announce(*account, key.second);
    }
}

result<void> BrokerImpl::check_room_share(const ShareSpec& spec) const {
    for (const auto& [key, addresses] : rooms_) {
        if (std::find(spec.audience.begin(), spec.audience.end(), key.second) == spec.audience.end()) continue;
        Asker everybody{key.first, key.second, false};
        everybody.room = key.second;
        const auto offered = consent_.services_for(everybody);
        auto size = ports::announced_size({spec.service, spec.kind, spec.parameters});
        for (const auto& service : offered) size += ports::announced_size(service);
        const bool fits = offered.size() < ports::kMaxRoomServices && size <= ports::kMaxAnnouncement;
        if (!fits) return make_error_code(Errc::limit_exceeded);
    }
    return {};
}

}  // namespace tubes::core
