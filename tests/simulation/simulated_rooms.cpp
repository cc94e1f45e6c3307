// SPDX-License-Identifier: GPL-3.0-or-later
// What the simulated server tells occupants.
#include "tests/simulation/simulated_rooms.hpp"

#include <algorithm>

namespace tubes::simulation {

using core::ContactAddress;
using core::PeerAddress;
using core::ServiceList;
using namespace core::ports;

namespace {

constexpr std::chrono::milliseconds kDelay{10};  // from the server to everybody

}  // namespace

Occupant SimulatedChat::occupant(const ContactAddress& room, const std::string& nick, const Member& member,
                                 const SimulatedRooms& seen_by) const {
    Occupant occupant;
    occupant.address.value = room.value + "/" + nick;
    const auto& person = member.rooms->device_.contact;
    occupant.address.contact.value = stable_ids ? room.value + "?id=" + person.value : occupant.address.value;
    occupant.nick = nick;
    if (non_anonymous) occupant.real = person;
    occupant.is_self = member.rooms == &seen_by;
    occupant.tubes = member.tubes;
    return occupant;
}

void SimulatedChat::enter(const ContactAddress& room, const std::string& nick, SimulatedRooms& rooms) {
    auto& members = rooms_[room];
    if (members.contains(nick)) return rooms.tell({room, RoomChanged{RoomState::left, RoomEnd::nick_taken, ""}});
    const auto announced = rooms.announced_.find(room);
    auto& fresh = members[nick];
    fresh = {&rooms, std::nullopt};
    if (announced != rooms.announced_.end()) fresh.tubes = announced->second;
    rooms.nicks_[room] = nick;
    for (const auto& [other_nick, other] : members) {
        rooms.tell({room, OccupantChanged{occupant(room, other_nick, other, rooms), true}});
        if (other_nick != nick)
            other.rooms->tell({room, OccupantChanged{occupant(room, nick, fresh, *other.rooms), true}});
    }
    rooms.tell({room, RoomChanged{RoomState::joined, RoomEnd::none, ""}});
}

void SimulatedChat::leave(const ContactAddress& room, const std::string& nick, RoomEnd end) {
    auto& members = rooms_[room];
    const auto found = members.find(nick);
    if (found == members.end()) return;
    const auto member = found->second;
    members.erase(found);
    member.rooms->nicks_.erase(room);
    for (const auto& [other_nick, other] : members) {
        other.rooms->tell({room, OccupantLeft{occupant(room, nick, member, *other.rooms), end, ""}});
    }
    member.rooms->tell({room, RoomChanged{RoomState::left, end, ""}});
}

void SimulatedChat::kick(const ContactAddress& room, const std::string& nick, RoomEnd end) {
    leave(room, nick, end);
}

void SimulatedChat::rename(const ContactAddress& room, const std::string& from, const std::string& to) {
    auto& members = rooms_[room];
    if (members.contains(to) || !members.contains(from)) return;
    auto node = members.extract(from);
    const auto member = node.mapped();
    node.key() = to;
    members.insert(std::move(node));
    member.rooms->nicks_[room] = to;
    for (const auto& [nick, other] : members) {
        const auto before = occupant(room, from, member, *other.rooms).address;
        other.rooms->tell({room, OccupantRenamed{before, occupant(room, to, member, *other.rooms)}});
    }
}

void SimulatedChat::announce(const ContactAddress& room, const std::string& nick) {
    auto& members = rooms_[room];
    auto& member = members.at(nick);
    member.tubes = member.rooms->announced_.at(room);
    for (const auto& [other_nick, other] : members) {
        other.rooms->tell({room, OccupantChanged{occupant(room, nick, member, *other.rooms), false}});
    }
}

std::optional<ContactAddress> SimulatedChat::room_of(const PeerAddress& address) const {
    for (const auto& [room, members] : rooms_) {
        if (address.value.starts_with(room.value + "/")) return room;
    }
    return std::nullopt;
}

void SimulatedChat::relay(const PeerAddress& from_device, const PeerAddress& to, const ContactAddress& room,
                          const core::Signal& signal, const Connection::Responder& respond) {
    const auto& members = rooms_[room];
    const auto target = members.find(to.value.substr(room.value.size() + 1));
    const auto sender = std::find_if(members.begin(), members.end(), [&from_device](const auto& entry) {
        return entry.second.rooms->device_ == from_device;
    });
    if (target == members.end() || sender == members.end()) return respond(make_error_code(Errc::offline));
    auto& receiver = *target->second.rooms;
    SignalOrigin origin;
    origin.from = occupant(room, sender->first, sender->second, receiver).address;
    origin.room = room;
    if (receiver.handler_) receiver.handler_->on_signal(origin, signal, respond);
}

SimulatedRooms::~SimulatedRooms() {
    handler_ = nullptr;
    for (const auto& [room, nick] : std::map<ContactAddress, std::string>(nicks_))
        chat_.leave(room, nick, RoomEnd::gone);
}

result<void> SimulatedRooms::join(const RoomJoin& join) {
    if (nicks_.contains(join.room)) return make_error_code(Errc::already_exists);
    views_[join.room] = {};
    views_[join.room].room = join.room;
    std::weak_ptr<int> alive = alive_;
    chat_.scheduler_.run_after(kDelay, [this, alive, join] {
        if (!alive.expired()) chat_.enter(join.room, join.nick, *this);
    });
    return {};
}

void SimulatedRooms::leave(const ContactAddress& room) {
    if (const auto nick = nicks_.find(room); nick != nicks_.end())
        chat_.leave(room, std::string(nick->second), RoomEnd::left);
}

void SimulatedRooms::announce(const ContactAddress& room, const ServiceList& services) {
    announced_[room] = services;
    if (const auto nick = nicks_.find(room); nick != nicks_.end()) chat_.announce(room, nick->second);
}

void SimulatedRooms::tell(RoomEvent event) {
    std::weak_ptr<int> alive = alive_;
    chat_.scheduler_.run_after(kDelay, [this, alive, event = std::move(event)] {
        if (alive.expired() || !handler_) return;
        take(event);
        handler_->on_room_event(event);
    });
}

void SimulatedRooms::take(const RoomEvent& event) {
    const auto found = views_.find(event.room);
    if (found == views_.end()) return;
    auto& occupants = found->second.occupants;
    const auto erase = [&occupants](const PeerAddress& address) {
        std::erase_if(occupants, [&address](const Occupant& other) { return other.address == address; });
    };
    if (const auto* changed = std::get_if<RoomChanged>(&event.what)) {
        found->second.state = changed->state;
        if (changed->state == RoomState::left) views_.erase(found);
    } else if (const auto* present = std::get_if<OccupantChanged>(&event.what)) {
        erase(present->occupant.address);
        occupants.push_back(present->occupant);
    } else if (const auto* renamed = std::get_if<OccupantRenamed>(&event.what)) {
        erase(renamed->before);
        occupants.push_back(renamed->occupant);
    } else if (const auto* left = std::get_if<OccupantLeft>(&event.what)) {
        erase(left->occupant.address);
    }
}

std::vector<RoomView> SimulatedRooms::rooms() const {
    std::vector<RoomView> all;
    for (const auto& [room, view] : views_) all.push_back(view);
    return all;
}

std::optional<RoomView> SimulatedRooms::find(const ContactAddress& room) const {
    const auto found = views_.find(room);
    return found == views_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Occupant> SimulatedRooms::occupant(const ContactAddress& room, const PeerAddress& address) const {
    const auto found = views_.find(room);
    if (found == views_.end()) return std::nullopt;
    for (const auto& occupant : found->second.occupants) {
        if (occupant.address == address) return occupant;
    }
    return std::nullopt;
}

}  // namespace tubes::simulation
