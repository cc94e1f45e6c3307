// SPDX-License-Identifier: GPL-3.0-or-later
// Foreign peers' sessions as the standard Jingle of WebRTC data channels.
// Spec: XEP-0166 (session), XEP-0176 (ICE-UDP), XEP-0320 (fingerprint), XEP-0343 (SCTP); docs/protocol.md, "Foreign
// peers".
#pragma once

#include "presence/xmpp/xml.hpp"
#include "tubes/core/ports/web_signaling.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxWebName = 128;  // bytes of a session's and of a content's name

/// True for a session-initiate or transport-info whose one content has an ICE-UDP transport: nothing of ours has.
bool is_web_jingle(const Element& jingle);

/// session-initiate, transport-info and session-terminate. Errc::protocol_violation when malformed, Errc::unsupported
/// for other actions, applications and transports without data channels.
result<core::ports::WebSignal> decode_web_jingle(const Element& jingle);

/// Every action but WebInitiate, which is the peer's.
ElementPtr encode_web_jingle(const core::ports::WebSignal& signal);

}  // namespace tubes::presence::xmpp
