// SPDX-License-Identifier: GPL-3.0-or-later
// Who is in which room, as the nodes say.
#include "presence/local/local_rooms.hpp"

#include <ctime>

#include <algorithm>

#include "tubes/types.hpp"

namespace tubes::presence::local {

using namespace core::ports;
using core::ContactAddress;
using core::PeerAddress;

namespace {

constexpr std::string_view kPrefix = "local:";  // before a room's name in its address

ContactAddress address_of(const std::string& room) {
    return {std::string(kPrefix) + room};
}

std::uint64_t since_start() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

result<std::string> LocalRooms::room_name(std::string_view text) {
    if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
    if (!is_valid_service_name(text)) return Errc::invalid_argument;
    return std::string(text);
}

result<ContactAddress> LocalRooms::parse_room(std::string_view text) const {
    const auto name = room_name(text);
    if (!name) return name.error();
    return address_of(*name);
}

LocalRooms::Stay* LocalRooms::find_stay(const ContactAddress& room, std::string* name) {
    const auto parsed = room_name(room.value);
    const auto found = parsed ? stays_.find(*parsed) : stays_.end();
    if (found == stays_.end()) return nullptr;
    if (name) *name = *parsed;
    return &found->second;
}

Occupant LocalRooms::to_occupant(const std::string& room, const std::string& node, const Guest& guest) const {
    Occupant occupant;
    occupant.address.value = address_of(room).value + "/" + guest.nick;
    occupant.address.contact.value = address_of(room).value + "?id=" + node;
    occupant.nick = guest.nick;
    occupant.is_self = node == node_;
    occupant.tubes = guest.tubes;
    return occupant;
}

RoomView LocalRooms::to_view(const std::string& room, const Stay& stay) const {
    RoomView view;
    view.room = address_of(room);
    view.state = RoomState::joined;
    view.traits.stable_ids = true;
    view.subject = stay.subject;
    view.occupants.push_back(to_occupant(room, node_, stay.self));
    if (const auto guests = guests_.find(room); guests != guests_.end()) {
        for (const auto& [node, guest] : guests->second) view.occupants.push_back(to_occupant(room, node, guest));
    }
    return view;
}

void LocalRooms::tell(const std::string& room, RoomEventKind what) {
    surroundings_.tell({address_of(room), std::move(what)});
}

result<void> LocalRooms::join(const RoomJoin& join) {
    if (!surroundings_.is_online()) return Errc::not_connected;
    const auto name = room_name(join.room.value);
    if (!name || join.nick.empty() || join.nick.size() > kMaxNick) return Errc::invalid_argument;
    if (!join.password.empty()) return Errc::unsupported;
    if (stays_.contains(*name)) return Errc::already_exists;
    if (stays_.size() >= kMaxRooms) return Errc::limit_exceeded;
    for (const auto& [node, guest] : guests_[*name]) {
        if (guest.nick != join.nick) continue;
        tell(*name, RoomChanged{RoomState::left, RoomEnd::nick_taken, ""});
        return {};
    }
    auto& stay = stays_[*name];
    stay.self = {join.nick, since_start(), std::nullopt};
    surroundings_.send_to_all({RoomNews::Kind::here, *name, stay.self, "", false});
    for (const auto& occupant : to_view(*name, stay).occupants) tell(*name, OccupantChanged{occupant, true});
    tell(*name, RoomChanged{RoomState::joined, RoomEnd::none, ""});
    return {};
}

void LocalRooms::leave(const ContactAddress& room) {
    std::string name;
    if (find_stay(room, &name)) end_stay(name, RoomEnd::left);
}

void LocalRooms::end_stay(const std::string& room, RoomEnd end) {
    if (stays_.erase(room) == 0) return;
    surroundings_.send_to_all({RoomNews::Kind::gone, room, {}, "", false});
    tell(room, RoomChanged{RoomState::left, end, ""});
}

void LocalRooms::close() {
    while (!stays_.empty()) end_stay(std::string(stays_.begin()->first), RoomEnd::gone);
    guests_.clear();
}

std::vector<RoomView> LocalRooms::rooms() const {
    std::vector<RoomView> all;
    for (const auto& [room, stay] : stays_) all.push_back(to_view(room, stay));
    return all;
}

std::optional<RoomView> LocalRooms::find(const ContactAddress& room) const {
    const auto name = room_name(room.value);
    const auto stay = name ? stays_.find(*name) : stays_.end();
    return stay == stays_.end() ? std::nullopt : std::optional(to_view(*name, stay->second));
}

std::optional<Occupant> LocalRooms::occupant(const ContactAddress& room, const PeerAddress& address) const {
    const auto view = find(room);
    if (!view) return std::nullopt;
    for (const auto& occupant : view->occupants) {
        if (occupant.address == address) return occupant;
    }
    return std::nullopt;
}

std::optional<LocalRooms::Target> LocalRooms::target_of(const PeerAddress& address) const {
    const auto slash = address.value.find('/');
    const auto name = room_name(std::string_view(address.value).substr(0, slash));
    if (!address.value.starts_with(kPrefix) || slash == std::string::npos || !name || !stays_.contains(*name))
        return {};
    const auto guests = guests_.find(*name);
    if (guests == guests_.end()) return std::nullopt;
    for (const auto& [node, guest] : guests->second) {
        if (guest.nick == address.value.substr(slash + 1)) return Target{*name, node};
    }
    return std::nullopt;
}

std::optional<PeerAddress> LocalRooms::address_in(const std::string& room, const std::string& node) const {
    const auto guests = guests_.find(room);
    if (!stays_.contains(room) || guests == guests_.end()) return std::nullopt;
    const auto guest = guests->second.find(node);
    if (guest == guests->second.end()) return std::nullopt;
    return to_occupant(room, node, guest->second).address;
}

result<void> LocalRooms::say(const ContactAddress& room, const std::string& text,
                             const std::optional<PeerAddress>& to) {
    std::string name;
    const auto* stay = find_stay(room, &name);
    if (!stay) return Errc::not_found;
    if (text.empty() || text.size() > kMaxRoomText) return Errc::invalid_argument;
    if (to) {
        const auto target = target_of(*to);
        if (!target || target->room != name) return Errc::not_found;
        surroundings_.send(target->node, {RoomNews::Kind::text, name, {}, text, true});
        return {};
    }
    for (const auto& [node, guest] : guests_[name]) {
        surroundings_.send(node, {RoomNews::Kind::text, name, {}, text, false});
    }
    tell(name, RoomMessage{stay->self.nick, text, 0, false, true});
    return {};
}

result<void> LocalRooms::set_subject(const ContactAddress& room, const std::string& text) {
    std::string name;
    auto* stay = find_stay(room, &name);
    if (!stay) return Errc::not_found;
    if (text.size() > kMaxRoomText) return Errc::invalid_argument;
    stay->subject = text;
    for (const auto& [node, guest] : guests_[name]) {
        surroundings_.send(node, {RoomNews::Kind::subject, name, {}, text, false});
    }
    tell(name, RoomSubject{stay->self.nick, text});
    return {};
}

void LocalRooms::announce(const ContactAddress& room, const core::ServiceList& services) {
    std::string name;
    auto* stay = find_stay(room, &name);
    if (!stay) return;
    stay->self.tubes = services;
    surroundings_.send_to_all({RoomNews::Kind::here, name, stay->self, "", false});
    tell(name, OccupantChanged{to_occupant(name, node_, stay->self), false});
}

void LocalRooms::on_node(const std::string& node) {
    for (const auto& [room, stay] : stays_) {
        surroundings_.send(node, {RoomNews::Kind::here, room, stay.self, "", false});
    }
    surroundings_.send(node, {});
}

error_code LocalRooms::on_news(const std::string& node, RoomNews news) {
    switch (news.kind) {
        case RoomNews::Kind::settled: return {};
        case RoomNews::Kind::here: return on_here(node, news.room, std::move(news.guest));
        case RoomNews::Kind::gone: on_gone(node, news.room, RoomEnd::left); return {};
        case RoomNews::Kind::text:
        case RoomNews::Kind::subject: break;
    }
    const auto stay = stays_.find(news.room);
    const auto guests = guests_.find(news.room);
    if (stay == stays_.end() || guests == guests_.end() || !guests->second.contains(node)) return {};
    const auto nick = guests->second.at(node).nick;
    if (news.kind == RoomNews::Kind::text) {
        tell(news.room, RoomMessage{nick, news.text, 0, news.is_private, false});
    } else if (stay->second.subject != news.text) {
        stay->second.subject = news.text;
        tell(news.room, RoomSubject{nick, news.text});
    }
    return {};
}

error_code LocalRooms::on_here(const std::string& node, const std::string& room, Guest guest) {
    std::size_t count = 0;
    for (const auto& [name, guests] : guests_) count += name != room && guests.contains(node) ? 1 : 0;
    if (count >= kMaxRooms) return Errc::limit_exceeded;
    if (!gives_way(node, room, guest)) return {};
    auto& guests = guests_[room];
    const bool is_new = !guests.contains(node);
    guests[node] = std::move(guest);
    const auto stay = stays_.find(room);
    if (stay == stays_.end()) return {};
    tell(room, OccupantChanged{to_occupant(room, node, guests.at(node)), is_new});
    // Who comes has not heard it; whoever has it already takes no notice.
    const auto& subject = stay->second.subject;
    if (is_new && !subject.empty()) surroundings_.send(node, {RoomNews::Kind::subject, room, {}, subject, false});
    return {};
}

// Two may have taken one nickname at the same moment: who was in the room first keeps it, and all nodes agree on that.
// False if the newcomer is to go, which it finds out in the same way.
bool LocalRooms::gives_way(const std::string& node, const std::string& room, const Guest& guest) {
    const auto is_later = [&](const std::string& other_node, const Guest& other) {
        return std::pair(guest.since, node) > std::pair(other.since, other_node);
    };
    if (const auto stay = stays_.find(room); stay != stays_.end() && stay->second.self.nick == guest.nick) {
        if (is_later(node_, stay->second.self)) return false;
        end_stay(room, RoomEnd::nick_taken);
    }
    const auto guests = guests_[room];
    for (const auto& [other_node, other] : guests) {
        if (other_node == node || other.nick != guest.nick) continue;
        if (is_later(other_node, other)) return false;
        on_gone(other_node, room, RoomEnd::left);
    }
    return true;
}

void LocalRooms::on_gone(const std::string& node, const std::string& room, RoomEnd end) {
    const auto guests = guests_.find(room);
    const auto guest = guests == guests_.end() ? std::map<std::string, Guest>::iterator() : guests->second.find(node);
    if (guests == guests_.end() || guest == guests->second.end()) return;
    const auto occupant = to_occupant(room, node, guest->second);
    guests->second.erase(guest);
    if (guests->second.empty()) guests_.erase(guests);
    if (stays_.contains(room)) tell(room, OccupantLeft{occupant, end, ""});
}

void LocalRooms::on_node_gone(const std::string& node) {
    std::vector<std::string> rooms;
    for (const auto& [room, guests] : guests_) {
        if (guests.contains(node)) rooms.push_back(room);
    }
    for (const auto& room : rooms) on_gone(node, room, RoomEnd::gone);
}

}  // namespace tubes::presence::local
