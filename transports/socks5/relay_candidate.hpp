// SPDX-License-Identifier: GPL-3.0-or-later
// What the two ends of a SOCKS5 attempt tell each other, parsed and checked.
// Spec: docs/protocol.md, "SOCKS5 relays".
#pragma once

#include <variant>

#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// "I am connected to your relay of that name": time to activate it.
struct RelayReached {
    std::string relay;
};

using RelayMessage = std::variant<core::ports::StreamRelay, RelayReached>;

core::ports::Candidate to_candidate(const core::ports::StreamRelay& relay);
core::ports::Candidate to_candidate(const RelayReached& reached);
/// Errc::protocol_violation for anything malformed.
result<RelayMessage> parse_relay_message(const core::ports::Candidate& candidate);

}  // namespace tubes::transports
