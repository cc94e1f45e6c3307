// SPDX-License-Identifier: GPL-3.0-or-later
// Which Jingle sessions are foreign peers': their names are theirs to choose, and a session-terminate says no more.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "presence/xmpp/address.hpp"
#include "presence/xmpp/xml.hpp"
#include "tubes/core/ports/web_signaling.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxWebSessions = 256;  // of all peers; further ones find nobody

/// Sessions by sender and name, from the peer's session-initiate to either side's session-terminate.
class WebSignals {
public:
    /// Whether decode() is to look at a Jingle element of that sender.
    bool owns(const Jid& from, const Element& jingle) const;
    /// The signal, and remembers what it begins or ends. Errors as decode_web_jingle(); limit_exceeded.
    result<core::ports::WebSignal> decode(const Jid& from, const Element& jingle);
    /// The payload of an IQ set to that peer.
    ElementPtr encode(const Jid& to, const core::ports::WebSignal& signal);
    /// The request was refused.
    void forget(const Jid& from, const std::string& session) { sessions_.erase({from.full(), session}); }

private:
    std::set<std::pair<std::string, std::string>> sessions_;
};

}  // namespace tubes::presence::xmpp
