// SPDX-License-Identifier: GPL-3.0-or-later
// Signals and their replies as bytes, for protocols that have no encoding of their own (local, link-local).
// Spec: docs/protocol.md, "Signaling"; wire/signals.proto.
#pragma once

#include "tubes/core/signaling/signals.hpp"

namespace tubes::wire {

/// One signal; who frames it is the carrier's affair. At most kMaxSignal bytes for anything within the limits.
core::Bytes encode(const core::Signal& signal);

/// A signal that came from the network: bounded and validated, unknown fields ignored, transports and candidates of
/// an unknown kind skipped. Errc::unsupported for a signal of a newer version, else Errc::protocol_violation.
result<core::Signal> decode_signal(core::ByteView bytes);

/// A reply: received, a service list, or the error that the responder answers with.
core::Bytes encode_reply(const result<core::SignalReply>& reply);

/// The reply, or the error that the peer answered with; Errc::protocol_violation also when it is malformed.
result<core::SignalReply> decode_reply(core::ByteView bytes);

}  // namespace tubes::wire
