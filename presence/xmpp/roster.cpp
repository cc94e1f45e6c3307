// SPDX-License-Identifier: GPL-3.0-or-later
// Roster items and presence stanzas into contacts.
#include "presence/xmpp/roster.hpp"

#include <algorithm>

#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp {

using core::ports::Contact;
using core::ports::PeerPresence;
using core::ports::Presence;
using core::ports::Subscription;

namespace {

Subscription subscription_of(const std::string& text) {
    if (text == "to") return Subscription::to;
    if (text == "from") return Subscription::from;
    if (text == "both") return Subscription::both;
    return Subscription::none;
}

Presence presence_of(const Element& stanza) {
    const Element* show = child(stanza, "show");
    const std::string text = show ? show->cdata() : "";
    if (text == "away" || text == "xa") return Presence::away;
    if (text == "dnd") return Presence::busy;
    return Presence::online;
}

/// Cut at a character's boundary.
std::string shorten(std::string text) {
    if (text.size() <= kMaxContactName) return text;
    std::size_t end = kMaxContactName;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
    text.resize(end);
    return text;
}

bool shows_us_theirs(const Contact& contact) {
    return contact.is_self || contact.subscription == Subscription::to || contact.subscription == Subscription::both;
}

bool sees_ours(const Contact& contact) {
    return contact.is_self || contact.subscription == Subscription::from || contact.subscription == Subscription::both;
}

}  // namespace

void Roster::on_new_stream(const Jid& self) {
    self_ = self;
    for (auto& [bare, contact] : contacts_) {
        if (contact.peers.empty()) continue;
        contact.peers.clear();
        changed_.insert(bare);
    }
    self_contact();
}

Contact& Roster::self_contact() {
    const auto [entry, is_new] = contacts_.try_emplace(self_.bare());
    if (is_new) {
        entry->second.address = self_.contact();
        entry->second.subscription = Subscription::both;
        entry->second.is_self = true;
        changed_.insert(self_.bare());
    }
    return entry->second;
}

void Roster::load(const Element& query) {
    std::set<std::string> seen;
    for (const Element* item : children(query, "item")) (void)apply_item(*item, &seen);
    std::vector<std::string> gone;
    for (const auto& [bare, contact] : contacts_) {
        if (!contact.is_self && !seen.contains(bare)) gone.push_back(bare);
    }
    for (const auto& bare : gone) remove(bare);
}

bool Roster::apply_push(const Element& query) {
    const auto items = children(query, "item");
    return items.size() == 1 && apply_item(*items[0], nullptr);
}

bool Roster::apply_item(const Element& item, std::set<std::string>* seen) {
    const auto jid = Jid::parse(attribute(item, "jid"));
    if (!jid || !jid->is_bare()) return false;
    const std::string bare = jid->bare();
    if (bare == self_.bare()) return true;  // our own entry is ours to make
    if (attribute(item, "subscription") == "remove") {
        remove(bare);
        return true;
    }
    if (!contacts_.contains(bare) && contacts_.size() >= kMaxContacts) return true;
    Contact& contact = contacts_[bare];
    contact.address = jid->contact();
    contact.name = shorten(attribute(item, "name"));
    contact.subscription = subscription_of(attribute(item, "subscription"));
    if (!shows_us_theirs(contact)) contact.peers.clear();
    changed_.insert(bare);
    if (seen) seen->insert(bare);
    return true;
}

void Roster::remove(const std::string& bare) {
    if (contacts_.erase(bare) == 0) return;
    changed_.erase(bare);
    removed_.insert(bare);
}

bool Roster::on_presence(const Jid& from, const Element& presence) {
    const auto entry = contacts_.find(from.bare());
    if (entry == contacts_.end() || !shows_us_theirs(entry->second)) return false;
    auto& peers = entry->second.peers;
    const bool leaves = attribute(presence, "type") == "unavailable";
    const auto is_same = [&](const PeerPresence& peer) { return peer.address.value == from.full(); };
    if (leaves) {
        // Unavailable from the bare address: the whole account is gone (RFC 6121 §4.5).
        const auto count = std::erase_if(peers, [&](const auto& peer) { return from.is_bare() || is_same(peer); });
        if (count > 0) changed_.insert(from.bare());
        return true;
    }
    if (from.is_bare() || from == self_) return true;
    auto peer = std::find_if(peers.begin(), peers.end(), is_same);
    if (peer == peers.end()) {
        if (peers.size() >= kMaxPeersPerContact) return true;
        peer = peers.insert(peers.end(), PeerPresence{from.peer(), Presence::online, false, ""});
    }
    peer->presence = presence_of(presence);
    changed_.insert(from.bare());
    return true;
}

void Roster::set_capabilities(const Jid& peer, bool speaks_tubes, const std::string& client) {
    const auto entry = contacts_.find(peer.bare());
    if (entry == contacts_.end()) return;
    for (auto& known : entry->second.peers) {
        if (known.address.value != peer.full()) continue;
        if (known.speaks_tubes == speaks_tubes && known.client == client) return;
        known.speaks_tubes = speaks_tubes;
        known.client = client;
        changed_.insert(peer.bare());
    }
}

bool Roster::may_see_us(const Jid& address) const {
    const Contact* contact = find(address.bare());
    return contact && sees_ours(*contact);
}

bool Roster::may_see(const Jid& address) const {
    const Contact* contact = find(address.bare());
    return contact && shows_us_theirs(*contact);
}

bool Roster::has_peer(const Jid& full) const {
    const Contact* contact = find(full.bare());
    if (!contact) return false;
    return std::any_of(contact->peers.begin(), contact->peers.end(),
                       [&](const auto& peer) { return peer.address.value == full.full(); });
}

std::vector<Contact> Roster::contacts() const {
    std::vector<Contact> list;
    list.reserve(contacts_.size());
    for (const auto& [bare, contact] : contacts_) list.push_back(contact);
    return list;
}

const Contact* Roster::find(const std::string& bare) const {
    const auto found = contacts_.find(bare);
    return found == contacts_.end() ? nullptr : &found->second;
}

}  // namespace tubes::presence::xmpp
