// SPDX-License-Identifier: GPL-3.0-or-later
// The one place that decides whether a stanza's sender may say what it says. What passes is prepared and well-formed.
// Spec: RFC 6120 §8, RFC 6121 §2.1.6.
#pragma once

#include "presence/xmpp/address.hpp"
#include "presence/xmpp/xml.hpp"

namespace tubes::presence::xmpp {

/// What a stanza is, once its sender has been checked.
enum class StanzaKind : std::uint8_t {
    dropped,         ///< Malformed, or from somebody who may not send it. Not answered.
    forbidden,       ///< A request nobody there would answer: gets service-unavailable.
    answer,          ///< IQ result or error; counts only if Requests knows sender and id.
    roster_push,     ///< From our own account.
    request,         ///< IQ get or set with exactly one payload.
    presence,        ///< Available or unavailable.
    presence_error,  ///< Presence of type error: only a room that we asked to join may say that.
    subscription,    ///< Presence of type subscribe.
    message,         ///< Anything but an error.
};

struct FilteredStanza {
    StanzaKind kind = StanzaKind::dropped;
    Jid from;                          ///< Our own bare address if the stanza names no sender.
    const Element* payload = nullptr;  ///< Of requests and roster pushes.
};

/// `self` is our full address.
FilteredStanza filter_stanza(const Element& stanza, const Jid& self);

}  // namespace tubes::presence::xmpp
