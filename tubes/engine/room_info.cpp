// SPDX-License-Identifier: GPL-3.0-or-later
// Names of roles, states and reasons.
#include "tubes/engine/room_info.hpp"

#include <array>

#include "tubes/engine/convert.hpp"

namespace tubes::engine {

using namespace core::ports;

namespace {

template <std::size_t Count, class Value>
std::string name_of(const std::array<const char*, Count>& names, Value value) {
    const auto index = static_cast<std::size_t>(value);
    return index < Count ? names[index] : "";
}

constexpr std::array kRoles = {"none", "visitor", "participant", "moderator"};
constexpr std::array kAffiliations = {"none", "outcast", "member", "admin", "owner"};
constexpr std::array kStates = {"joining", "joined", "rejoining", "left"};
// In the order of RoomEnd.
constexpr std::array kEnds = {"",         "left",    "gone",         "nick-taken", "bad-nick",
                              "password", "banned",  "members-only", "full",       "not-found",
                              "kicked",   "removed", "destroyed",    "failed"};

struct Converter {
    const Crypto& crypto;
    tubes::RoomEvent operator()(const core::ports::RoomChanged& event) const {
        return RoomStateChanged{name_of(kStates, event.state), name_of(kEnds, event.end), event.text};
    }
    tubes::RoomEvent operator()(const core::ports::OccupantChanged& event) const {
        return tubes::OccupantChanged{to_info(event.occupant, crypto), event.is_new};
    }
    tubes::RoomEvent operator()(const OccupantRenamed& event) const {
        return tubes::OccupantChanged{to_info(event.occupant, crypto), false};
    }
    tubes::RoomEvent operator()(const core::ports::OccupantLeft& event) const {
        return tubes::OccupantLeft{to_info(event.occupant, crypto), name_of(kEnds, event.end), event.text};
    }
    tubes::RoomEvent operator()(const RoomSubject& event) const { return RoomSubjectChanged{event.nick, event.text}; }
    tubes::RoomEvent operator()(const RoomMessage& event) const {
        RoomText text{event.nick, event.text, std::nullopt, event.is_private, event.is_own};
        if (event.sent != 0) text.sent = std::chrono::system_clock::time_point(std::chrono::seconds(event.sent));
        return text;
    }
};

}  // namespace

OccupantInfo to_info(const Occupant& occupant, const Crypto& crypto) {
    OccupantInfo info;
    info.nick = occupant.nick;
    info.address = occupant.address.value;
    info.contact = occupant.address.contact.value;
    if (occupant.real) info.real_address = occupant.real->value;
    info.role = name_of(kRoles, occupant.role);
    info.affiliation = name_of(kAffiliations, occupant.affiliation);
    info.is_self = occupant.is_self;
    info.speaks_tubes = occupant.tubes.has_value();
    if (!occupant.tubes) return info;
    info.device = device_name(occupant.tubes->identity, crypto);
    for (const auto& service : occupant.tubes->services) {
        info.services.push_back({info.address, info.device, service.name, service.kind, service.parameters});
    }
    return info;
}

RoomInfo to_info(const RoomView& view, const std::string& account, const Crypto& crypto) {
    RoomInfo info;
    info.account = account;
    info.room = view.room.value;
    info.subject = view.subject;
    info.state = name_of(kStates, view.state);
    info.non_anonymous = view.traits.non_anonymous;
    info.members_only = view.traits.members_only;
    info.stable_ids = view.traits.stable_ids;
    for (const auto& occupant : view.occupants) info.occupants.push_back(to_info(occupant, crypto));
    return info;
}

tubes::RoomEvent to_event(const RoomEventKind& event, const Crypto& crypto) {
    return std::visit(Converter{crypto}, event);
}

Errc join_error(RoomEnd end) noexcept {
    switch (end) {
        case RoomEnd::nick_taken: return Errc::already_exists;
        case RoomEnd::bad_nick: return Errc::invalid_argument;
        case RoomEnd::password: return Errc::authentication_failed;
        case RoomEnd::banned:
        case RoomEnd::kicked: return Errc::refused;
        case RoomEnd::members_only: return Errc::not_available;
        case RoomEnd::full: return Errc::limit_exceeded;
        case RoomEnd::not_found:
        case RoomEnd::destroyed: return Errc::not_found;
        case RoomEnd::gone: return Errc::not_connected;
        default: return Errc::broken;
    }
}

}  // namespace tubes::engine
