// SPDX-License-Identifier: GPL-3.0-or-later
// Joining and staying.
#include "presence/xmpp/muc.hpp"

#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/signal_codec.hpp"
#include "presence/xmpp/utf8.hpp"

namespace tubes::presence::xmpp {

using namespace core::ports;
using core::ContactAddress;
using core::PeerAddress;

namespace {

/// What a self-ping says (XEP-0410 §3.2).
enum class Membership : std::uint8_t { inside, outside, unknown };

Membership membership_of(const Element* answer) {
    if (!answer) return Membership::unknown;
    if (attribute(*answer, "type") == "result") return Membership::inside;
    const Element* error = child(*answer, "error");
    if (!error) return Membership::unknown;
    const auto has = [error](std::string_view name) { return child(*error, name, kStanzaErrorNamespace) != nullptr; };
    if (has("service-unavailable") || has("feature-not-implemented")) return Membership::inside;
    if (has("item-not-found")) return Membership::inside;  // Our nickname has just changed.
    if (has("remote-server-not-found") || has("remote-server-timeout")) return Membership::unknown;
    return Membership::outside;
}

result<void> check_text(const std::string& text) {
    const bool sendable = !text.empty() && text.size() <= kMaxRoomText && is_clean_utf8(text);
    if (!sendable) return make_error_code(Errc::invalid_argument);
    return {};
}

}  // namespace

Muc::Entry* Muc::entry(const std::string& bare) {
    const auto found = rooms_.find(bare);
    return found == rooms_.end() ? nullptr : found->second.get();
}

const Muc::Entry* Muc::entry(const std::string& bare) const {
    const auto found = rooms_.find(bare);
    return found == rooms_.end() ? nullptr : found->second.get();
}

result<ContactAddress> Muc::parse_room(std::string_view text) const {
    if (text.starts_with("xmpp:")) text.remove_prefix(5);
    if (text.ends_with("?join")) text.remove_suffix(5);  // XEP-0045 §17.1
    const auto jid = Jid::parse(text);
    if (!jid || jid->local().empty() || !jid->is_bare()) return make_error_code(Errc::invalid_argument);
    return jid->contact();
}

result<void> Muc::join(const RoomJoin& join) {
    const auto address = Jid::parse(join.room.value);
    const bool is_room = address && address->is_bare() && !address->local().empty();
    const auto self =
        is_room ? address->with_resource(join.nick) : result<Jid>(make_error_code(Errc::invalid_argument));
    if (!self || self->is_bare() || join.nick.size() > kMaxNick) return make_error_code(Errc::invalid_argument);
    if (owns(*address)) return make_error_code(Errc::already_exists);
    if (rooms_.size() >= kMaxRooms) return make_error_code(Errc::limit_exceeded);
    if (!outside_.is_online()) return make_error_code(Errc::not_connected);
    auto prepared = join;
    prepared.nick = self->resource();
    MucRoom room(*address, std::move(prepared),
                 [this, contact = address->contact()](RoomEventKind what) { tell(contact, std::move(what)); });
    auto fresh = std::make_unique<Entry>(Entry{std::move(room), {}, std::nullopt, 0, false});
    begin(*rooms_.emplace(address->bare(), std::move(fresh)).first->second);
    return {};
}

void Muc::begin(Entry& entry) {
    entry.attempt = ++attempts_;
    entry.silent_since.reset();
    // Occupant ids are believed only of rooms that say they give them, so this must be known first.
    learn(entry, [this](Entry& known) { send_presence(known, true); });
}

void Muc::learn(Entry& entry, std::function<void(Entry&)> then) {
    auto iq = make_stanza("iq", "get", entry.room.address().bare(), "");
    add_element(*iq, "query", kDiscoInfoNamespace);
    outside_.ask(std::move(iq), [this, bare = entry.room.address().bare(), attempt = entry.attempt,
                                 then = std::move(then)](const Element* answer) {
        auto* found = this->entry(bare);
        if (!found || found->attempt != attempt) return;
        const Element* query = answer ? child(*answer, "query", kDiscoInfoNamespace) : nullptr;
        const auto info = query ? parse_disco_info(*query) : result<DiscoInfo>(make_error_code(Errc::not_found));
        if (info) found->room.set_traits(*info);
        then(*found);
    });
}

// The room is ours and locked: the server's defaults will do (XEP-0045 §10.1.2).
void Muc::configure(Entry& entry) {
    if (std::exchange(entry.configured, true)) return entry.room.enter();
    auto iq = make_stanza("iq", "set", entry.room.address().bare(), "");
    Element& query = add_element(*iq, "query", kMucOwnerNamespace);
    add_element(query, "x", kDataFormsNamespace).addAttribute("type", "submit");
    outside_.ask(std::move(iq), [this, bare = entry.room.address().bare(), attempt = entry.attempt](const Element*) {
        auto* found = this->entry(bare);
        if (!found || found->attempt != attempt) return;
        learn(*found, [this](Entry& known) {
            // Our own presence came before the room could say that it gives ids; it tells it again.
            rejoin(known);
        });
    });
}

void Muc::rejoin(Entry& entry) {
    entry.room.forget_occupants();
    send_presence(entry, true);
}

void Muc::send_presence(Entry& entry, bool joining) {
    if (outside_.is_online()) outside_.send(entry.room.make_presence(entry.services, joining));
}

void Muc::leave(const ContactAddress& room) {
    auto* found = entry(room.value);
    if (!found) return;
    if (outside_.is_online()) outside_.send(make_stanza("presence", "unavailable", found->room.self().full(), ""));
    found->room.end(RoomEnd::left, "");
    rooms_.erase(room.value);
}

std::vector<RoomView> Muc::rooms() const {
    std::vector<RoomView> all;
    for (const auto& [bare, entry] : rooms_) all.push_back(entry->room.view());
    return all;
}

std::optional<RoomView> Muc::find(const ContactAddress& room) const {
    const auto* found = entry(room.value);
    return found ? std::optional(found->room.view()) : std::nullopt;
}

std::optional<Occupant> Muc::occupant(const ContactAddress& room, const PeerAddress& address) const {
    const auto* found = entry(room.value);
    const auto* known = found ? found->room.find(address) : nullptr;
    return known ? std::optional(*known) : std::nullopt;
}

result<void> Muc::say(const ContactAddress& room, const std::string& text, const std::optional<PeerAddress>& to) {
    auto* found = entry(room.value);
    if (!found || !found->room.is_joined() || (to && !found->room.find(*to))) return make_error_code(Errc::not_found);
    if (auto fine = check_text(text); !fine) return fine;
    if (!outside_.is_online()) return make_error_code(Errc::not_connected);
    auto message = make_stanza("message", to ? "chat" : "groupchat", to ? to->value : room.value, random_id());
    add_element(*message, "body").setCData(text);
    if (to) add_element(*message, "x", kMucUserNamespace);  // XEP-0045 §7.5
    outside_.send(std::move(message));
    return {};
}

result<void> Muc::set_subject(const ContactAddress& room, const std::string& text) {
    auto* found = entry(room.value);
    if (!found || !found->room.is_joined()) return make_error_code(Errc::not_found);
    if (auto fine = check_text(text); !fine && !text.empty()) return fine;
    if (!outside_.is_online()) return make_error_code(Errc::not_connected);
    auto message = make_stanza("message", "groupchat", room.value, random_id());
    add_element(*message, "subject").setCData(text);
    outside_.send(std::move(message));
    return {};
}

void Muc::announce(const ContactAddress& room, const core::ServiceList& services) {
    auto* found = entry(room.value);
    if (!found) return;
    const auto before = encode_reply(std::exchange(found->services, services))->xml();
    // Earlier, it goes with the presence that joins.
    if (found->room.is_joined() && before != encode_reply(services)->xml()) send_presence(*found, false);
}

void Muc::on_presence(const Jid& from, const Element& presence) {
    auto* found = entry(from.bare());
    if (!found) return;
    found->silent_since.reset();
    switch (found->room.on_presence(from, presence)) {
        case MucRoom::Step::none: break;
        case MucRoom::Step::configure: configure(*found); break;
        case MucRoom::Step::entered: found->room.enter(); break;
        case MucRoom::Step::over: rooms_.erase(from.bare()); break;
    }
}

void Muc::on_message(const Jid& from, const Element& message) {
    auto* found = entry(from.bare());
    if (!found) return;
    found->silent_since.reset();
    found->room.on_message(from, message);
}

bool Muc::knows(const Jid& from) const {
    const auto* found = entry(from.bare());
    return found && found->room.find(from) != nullptr;
}

std::optional<SignalOrigin> Muc::origin_of(const Jid& from) const {
    const auto* found = entry(from.bare());
    const auto* sender = found && found->room.is_joined() ? found->room.find(from) : nullptr;
    if (!sender || sender->is_self) return std::nullopt;
    SignalOrigin origin;
    origin.from = sender->address;
    origin.room = found->room.address().contact();
    return origin;
}

void Muc::on_stream_lost() {
    for (auto& [bare, entry] : rooms_) {
        entry->attempt = ++attempts_;
        entry->room.forget_occupants();
    }
}

void Muc::on_online() {
    for (auto& [bare, entry] : rooms_) begin(*entry);
}

void Muc::on_offline() {
    for (auto& [bare, entry] : std::exchange(rooms_, {})) entry->room.end(RoomEnd::gone, "");
}

void Muc::check(Time now) {
    for (auto& [bare, entry] : rooms_) {
        if (!entry->room.is_joined() || !outside_.is_online()) continue;
        if (!entry->silent_since) entry->silent_since = now;
        if (now - *entry->silent_since < kRoomSilence) continue;
        entry->silent_since = now;
        auto iq = make_stanza("iq", "get", entry->room.self().full(), "");
        add_element(*iq, "ping", kPingNamespace);
        outside_.ask(std::move(iq), [this, bare = bare, attempt = entry->attempt](const Element* answer) {
            auto* found = this->entry(bare);
            if (!found || found->attempt != attempt || membership_of(answer) != Membership::outside) return;
            found->room.forget_occupants();
            begin(*found);
        });
    }
}

void Muc::tell(const ContactAddress& room, RoomEventKind what) {
    outside_.tell({room, std::move(what)});
}

}  // namespace tubes::presence::xmpp
