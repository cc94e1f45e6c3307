// SPDX-License-Identifier: GPL-3.0-or-later
// Link signals as Jingle. Spec: XEP-0166 1.1.2 with an application format and a transport of our own
// (docs/protocol.md, "XMPP").
#pragma once

#include "presence/xmpp/xml.hpp"
#include "tubes/core/signaling/signals.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::string_view kContentName = "link";  // the one content of a session

ElementPtr encode_jingle(const core::LinkInitiate& signal);
ElementPtr encode_jingle(const core::LinkPending& signal);
ElementPtr encode_jingle(const core::LinkAccept& signal);
ElementPtr encode_jingle(const core::LinkCandidates& signal);
ElementPtr encode_jingle(const core::LinkRestart& signal);
ElementPtr encode_jingle(const core::LinkTerminate& signal);

/// One of the six signals from a <jingle/> element. Errc::protocol_violation when malformed, Errc::unsupported for
/// actions, applications and transports that are not ours.
result<core::Signal> decode_jingle(const Element& jingle);

}  // namespace tubes::presence::xmpp
