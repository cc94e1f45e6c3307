// SPDX-License-Identifier: GPL-3.0-or-later
// Every signal and every reply as the payload of an IQ, and back. Spec: docs/protocol.md, "XMPP".
#pragma once

#include "presence/xmpp/xml.hpp"
#include "tubes/core/signaling/signals.hpp"

namespace tubes::presence::xmpp {

/// What one signal is on the wire.
struct EncodedSignal {
    std::string iq_type;  ///< "set", or "get" for questions.
    ElementPtr payload;
};

/// Errc::invalid_argument or Errc::limit_exceeded for a signal the other side would have to refuse.
result<EncodedSignal> encode_signal(const core::Signal& signal);

/// The signal in the payload of an IQ of that type. Errc::unsupported if the payload is none of ours,
/// Errc::protocol_violation if it is ours and malformed.
result<core::Signal> decode_signal(const std::string& iq_type, const Element& payload);

/// True if decode_signal() would look at the payload: it is in our namespace, or Jingle.
bool is_signal_payload(const Element& payload);

/// The payload of a result; null for "received".
ElementPtr encode_reply(const core::SignalReply& reply);
/// From the result of an IQ that carried `question`'s kind of payload. Errc::protocol_violation.
result<core::SignalReply> decode_reply(const Element& iq, bool expects_services);

}  // namespace tubes::presence::xmpp
