// SPDX-License-Identifier: GPL-3.0-or-later
// Presence and messages of a room.
#include "presence/xmpp/muc_room.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/signal_codec.hpp"

namespace tubes::presence::xmpp {

using namespace core::ports;

namespace {

struct ConditionName {
    std::string_view name;
    RoomEnd end;
};
// XEP-0045 §7.2, "Error conditions".
constexpr std::array<ConditionName, 10> kConditions = {{
    {"conflict", RoomEnd::nick_taken},
    {"not-acceptable", RoomEnd::bad_nick},
    {"jid-malformed", RoomEnd::bad_nick},
    {"not-authorized", RoomEnd::password},
    {"forbidden", RoomEnd::banned},
    {"registration-required", RoomEnd::members_only},
    {"service-unavailable", RoomEnd::full},
    {"item-not-found", RoomEnd::not_found},
    {"not-allowed", RoomEnd::not_found},
    {"gone", RoomEnd::destroyed},
}};

RoomRole role_of(const std::string& text) {
    if (text == "moderator") return RoomRole::moderator;
    if (text == "participant") return RoomRole::participant;
    return text == "visitor" ? RoomRole::visitor : RoomRole::none;
}

RoomAffiliation affiliation_of(const std::string& text) {
    if (text == "owner") return RoomAffiliation::owner;
    if (text == "admin") return RoomAffiliation::admin;
    if (text == "member") return RoomAffiliation::member;
    return text == "outcast" ? RoomAffiliation::outcast : RoomAffiliation::none;
}

std::set<std::string> statuses(const Element& x) {
    std::set<std::string> codes;
    for (const Element* status : children(x, "status")) codes.insert(attribute(*status, "code"));
    return codes;
}

RoomEnd end_of(const Element& x) {
    if (child(x, "destroy")) return RoomEnd::destroyed;
    const auto codes = statuses(x);
    if (codes.contains("301")) return RoomEnd::banned;
    if (codes.contains("307")) return codes.contains("333") ? RoomEnd::gone : RoomEnd::kicked;
    if (codes.contains("322")) return RoomEnd::members_only;
    if (codes.contains("321") || codes.contains("332")) return RoomEnd::removed;
    return codes.contains("333") ? RoomEnd::gone : RoomEnd::left;
}

std::string reason_text(const Element& x) {
    for (const char* parent : {"item", "destroy"}) {
        const Element* holder = child(x, parent);
        const Element* reason = holder ? child(*holder, "reason") : nullptr;
        if (reason) return bounded_text(reason->cdata(), kMaxRoomReason);
    }
    return "";
}

// XEP-0203: believed only in the room's own name; anybody can put one into what they say. XEP-0082: UTC.
std::int64_t delay_of(const Element& message, const Jid& room) {
    const Element* delay = child(message, "delay", kDelayNamespace);
    if (!delay || attribute(*delay, "from") != room.bare()) return 0;
    std::tm time{};
    if (!::strptime(attribute(*delay, "stamp").c_str(), "%Y-%m-%dT%H:%M:%S", &time)) return 0;
    return ::timegm(&time);
}

}  // namespace

std::string bounded_text(std::string text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
    text.resize(limit);
    return text;
}

MucRoom::MucRoom(Jid address, RoomJoin join, Emit emit)
    : address_(std::move(address)), join_(std::move(join)), emit_(std::move(emit)), nick_(join_.nick) {
    view_.room = address_.contact();
}

void MucRoom::set_traits(const DiscoInfo& info) {
    view_.traits.stable_ids = info.features.contains(std::string(kOccupantIdNamespace));
    view_.traits.non_anonymous = info.features.contains("muc_nonanonymous");
    view_.traits.members_only = info.features.contains("muc_membersonly");
}

ElementPtr MucRoom::make_presence(const core::ServiceList& services, bool joining) const {
    auto presence = make_stanza("presence", "", self().full(), "");
    if (joining) {
        Element& x = add_element(*presence, "x", kMucNamespace);
        add_element(x, "history").addAttribute("maxstanzas", std::to_string(join_.history));
        if (!join_.password.empty()) add_element(x, "password").setCData(join_.password);
    }
    adopt(*presence, own_capabilities());
    adopt(*presence, encode_reply(services));
    return presence;
}

MucRoom::Step MucRoom::on_presence(const Jid& from, const Element& presence) {
    const std::string& type = attribute(presence, "type");
    if (type == "error") return on_error(presence);
    if (from.is_bare()) return Step::none;
    return type == "unavailable" ? on_unavailable(from, presence) : on_available(from, presence);
}

MucRoom::Step MucRoom::on_error(const Element& presence) {
    // Once inside, an error is about a later presence of ours (a nickname that is taken, say): nothing changed.
    const Element* error = child(presence, "error");
    if (is_joined() || !error) return Step::none;
    auto reason = RoomEnd::failed;
    for (const auto& condition : kConditions) {
        if (child(*error, condition.name, kStanzaErrorNamespace)) reason = condition.end;
    }
    const Element* text = child(*error, "text", kStanzaErrorNamespace);
    end(reason, text ? bounded_text(text->cdata(), kMaxRoomReason) : "");
    return Step::over;
}

core::ContactAddress MucRoom::contact_of(const Jid& from, const Element& presence) const {
    // Two elements are one too many: a service that does not replace what occupants write is not to be believed.
    std::string id;
    std::size_t count = 0;
    for (const Element* element : children(presence)) {
        if (!is(*element, "occupant-id", kOccupantIdNamespace)) continue;
        id = attribute(*element, "id");
        ++count;
    }
    const bool usable = view_.traits.stable_ids && count == 1 && !id.empty() && id.size() <= kMaxOccupantId;
    return {usable ? address_.bare() + "?id=" + id : from.full()};
}

Occupant MucRoom::read(const Jid& from, const Element& presence) const {
    Occupant occupant;
    occupant.address = {contact_of(from, presence), from.full()};
    occupant.nick = from.resource();
    if (const Element* x = child(presence, "x", kMucUserNamespace)) {
        occupant.is_self = statuses(*x).contains("110");
        if (const Element* item = child(*x, "item")) {
            occupant.role = role_of(attribute(*item, "role"));
            occupant.affiliation = affiliation_of(attribute(*item, "affiliation"));
            const auto real = Jid::parse(attribute(*item, "jid"));
            if (real && !real->local().empty()) occupant.real = real->contact();
        }
    }
    if (!child(presence, "services", kTubesNamespace)) return occupant;
    const auto announced = decode_reply(presence, true);
    const auto* list = announced ? std::get_if<core::ServiceList>(&*announced) : nullptr;
    std::size_t size = 0;
    for (std::size_t index = 0; list && index < list->services.size(); ++index) {
        size += announced_size(list->services[index]);
    }
    if (list && list->services.size() <= kMaxRoomServices && size <= kMaxAnnouncement) occupant.tubes = *list;
    return occupant;
}

Occupant* MucRoom::find_nick(const std::string& nick) {
    auto& all = view_.occupants;
    const auto found = std::find_if(all.begin(), all.end(), [&nick](const auto& other) { return other.nick == nick; });
    return found == all.end() ? nullptr : &*found;
}

MucRoom::Step MucRoom::on_available(const Jid& from, const Element& presence) {
    auto fresh = read(from, presence);
    const Element* x = child(presence, "x", kMucUserNamespace);
    const auto codes = x ? statuses(*x) : std::set<std::string>();
    if (fresh.is_self) {
        if (codes.contains("100")) view_.traits.non_anonymous = true;
        nick_ = fresh.nick;
    }
    auto* known = find_nick(fresh.nick);
    const bool is_self = fresh.is_self;
    if (!known && view_.occupants.size() >= kMaxOccupants && !is_self) return Step::none;
    if (known && known->address != fresh.address) {
        // Somebody else under this nickname, and we were not told that the first one left.
        const auto gone = *known;
        view_.occupants.erase(view_.occupants.begin() + (known - view_.occupants.data()));
        if (is_joined()) emit_(OccupantLeft{gone, RoomEnd::gone, ""});
        known = nullptr;
    }
    const bool is_new = known == nullptr;
    if (known) {
        *known = fresh;
    } else {
        view_.occupants.push_back(fresh);
    }
    if (is_joined()) emit_(OccupantChanged{std::move(fresh), is_new});
    if (!is_self || is_joined()) return Step::none;
    return codes.contains("201") ? Step::configure : Step::entered;
}

void MucRoom::rename(Occupant& occupant, const std::string& nick) {
    const auto before = occupant.address;
    const bool by_nick = before.contact.value == before.value;
    occupant.nick = nick;
    occupant.address.value = address_.bare() + "/" + nick;
    if (by_nick) occupant.address.contact.value = occupant.address.value;
    if (occupant.is_self) nick_ = nick;
    if (is_joined()) emit_(OccupantRenamed{before, occupant});
}

MucRoom::Step MucRoom::on_unavailable(const Jid& from, const Element& presence) {
    const Element* x = child(presence, "x", kMucUserNamespace);
    auto* known = find_nick(from.resource());
    const bool is_self = (x && statuses(*x).contains("110")) || (known && known->is_self);
    const Element* item = x ? child(*x, "item") : nullptr;
    if (known && x && item && statuses(*x).contains("303")) {
        const auto renamed = address_.with_resource(attribute(*item, "nick"));
        if (renamed && !renamed->is_bare() && !find_nick(renamed->resource())) {
            rename(*known, renamed->resource());
            return Step::none;
        }
    }
    const auto reason = x ? end_of(*x) : RoomEnd::left;
    const auto text = x ? reason_text(*x) : "";
    if (is_self) {
        end(reason, text);
        return Step::over;
    }
    if (!known) return Step::none;
    const auto gone = *known;
    view_.occupants.erase(view_.occupants.begin() + (known - view_.occupants.data()));
    if (is_joined()) emit_(OccupantLeft{gone, reason, text});
    return Step::none;
}

void MucRoom::on_message(const Jid& from, const Element& message) {
    if (!is_joined()) return;
    const std::string& type = attribute(message, "type");
    if (type == "groupchat") {
        if (const Element* x = child(message, "x", kMucUserNamespace); x && from.is_bare()) {
            const auto codes = statuses(*x);
            if (codes.contains("172")) view_.traits.non_anonymous = true;
            if (codes.contains("173") || codes.contains("174")) view_.traits.non_anonymous = false;
        }
    }
    const Element* body = child(message, "body");
    const Element* subject = child(message, "subject");
    if (type == "groupchat" && subject && !body) {
        view_.subject = bounded_text(subject->cdata(), kMaxRoomText);
        return emit_(RoomSubject{from.resource(), view_.subject});
    }
    const bool is_private = type != "groupchat";
    // What comes alone comes from somebody who is there; history may be by people who are gone.
    if (!body || body->cdata().empty() || (is_private && !find(from))) return;
    RoomMessage said;
    said.nick = from.resource();
    said.text = bounded_text(body->cdata(), kMaxRoomText);
    said.sent = delay_of(message, address_);
    said.is_private = is_private;
    said.is_own = !from.is_bare() && from.resource() == nick_ && said.sent == 0;
    emit_(std::move(said));
}

void MucRoom::enter() {
    view_.state = RoomState::joined;
    const auto was_there = std::exchange(before_, {});
    for (const auto& occupant : view_.occupants) {
        const bool is_new = std::none_of(was_there.begin(), was_there.end(), [&occupant](const Occupant& other) {
            return other.address == occupant.address;
        });
        emit_(OccupantChanged{occupant, is_new});
    }
    for (const auto& other : was_there) {
        if (!find(other.address)) emit_(OccupantLeft{other, RoomEnd::left, ""});
    }
    emit_(RoomChanged{RoomState::joined, RoomEnd::none, ""});
}

void MucRoom::forget_occupants() {
    const bool was_joined = is_joined();
    if (was_joined) before_ = view_.occupants;
    view_.occupants.clear();
    view_.state = was_joined || view_.state == RoomState::rejoining ? RoomState::rejoining : RoomState::joining;
    if (was_joined) emit_(RoomChanged{RoomState::rejoining, RoomEnd::none, ""});
}

void MucRoom::end(RoomEnd end, const std::string& text) {
    if (view_.state == RoomState::left) return;
    view_.state = RoomState::left;
    view_.occupants.clear();
    emit_(RoomChanged{RoomState::left, end, text});
}

const Occupant* MucRoom::find(const Jid& from) const {
    for (const auto& occupant : view_.occupants) {
        if (occupant.address.value == from.full()) return &occupant;
    }
    return nullptr;
}

const Occupant* MucRoom::find(const core::PeerAddress& address) const {
    for (const auto& occupant : view_.occupants) {
        if (occupant.address == address) return &occupant;
    }
    return nullptr;
}

}  // namespace tubes::presence::xmpp
