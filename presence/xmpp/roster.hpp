// SPDX-License-Identifier: GPL-3.0-or-later
// The contact list and who of it is there. Spec: RFC 6121 §2 (roster), §4 (presence).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "presence/xmpp/address.hpp"
#include "presence/xmpp/xml.hpp"
#include "tubes/core/ports/connection.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxContacts = 10000;      // on one list; more are ignored
inline constexpr std::size_t kMaxPeersPerContact = 32;  // resources of one contact; more are ignored
inline constexpr std::size_t kMaxContactName = 256;     // bytes of a name; more is cut

/// Plain bookkeeping, without input or output. Changed contacts are collected until they are taken.
class Roster {
public:
    /// `self` is our full address; forgets everybody's presence, which a new stream tells anew.
    void on_new_stream(const Jid& self);

    /// The whole list from the server. Entries that are gone count as removed.
    void load(const Element& query);
    /// One changed entry (a roster push), from our own account: see filter_stanza(). False if it is malformed.
    bool apply_push(const Element& query);

    /// Presence of a peer, without type or of type "unavailable". False if the sender may not tell us: a stranger.
    bool on_presence(const Jid& from, const Element& presence);
    /// What a peer's verified capabilities say.
    void set_capabilities(const Jid& peer, bool speaks_tubes, const std::string& client);

    /// The contact may see our presence, or is ourselves.
    bool may_see_us(const Jid& address) const;
    /// We may see the contact's presence, or it is ourselves.
    bool may_see(const Jid& address) const;
    bool has_peer(const Jid& full) const;
    bool contains(const Jid& address) const { return contacts_.contains(address.bare()); }

    std::vector<core::ports::Contact> contacts() const;
    const core::ports::Contact* find(const std::string& bare) const;

    std::set<std::string> take_changed() { return std::exchange(changed_, {}); }
    std::set<std::string> take_removed() { return std::exchange(removed_, {}); }

private:
    bool apply_item(const Element& item, std::set<std::string>* seen);
    core::ports::Contact& self_contact();
    void remove(const std::string& bare);

    Jid self_;
    std::map<std::string, core::ports::Contact> contacts_;
    std::set<std::string> changed_;
    std::set<std::string> removed_;
};

}  // namespace tubes::presence::xmpp
