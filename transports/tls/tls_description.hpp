// SPDX-License-Identifier: GPL-3.0-or-later
// What an end of a TLS path says of itself in signaling, parsed and checked.
// Spec: docs/protocol.md, "TLS paths".
#pragma once

#include "transports/tls/tls_context.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// A peer's certificate and what its listener wants to see.
struct TlsDescription {
    core::Digest fingerprint;
    PathToken token;
};

/// Attributes "fingerprint" (95 characters, "AA:BB:…") and "token" (32 hexadecimal digits) of our end.
core::ports::Attributes describe(const TlsContext& context);

/// Errc::protocol_violation if either attribute is absent or malformed. Further attributes are ignored.
result<TlsDescription> parse_tls_description(const core::ports::Attributes& attributes);

}  // namespace tubes::transports
