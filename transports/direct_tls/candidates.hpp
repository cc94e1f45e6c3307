// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses that direct TLS names in signaling, parsed and checked.
// Spec: docs/protocol.md, "Direct TLS".
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// A candidate with the attributes "address" (without zone) and "port" (1 to 65535).
core::ports::Candidate to_candidate(const boost::asio::ip::tcp::endpoint& endpoint);

/// Errc::protocol_violation if it is not exactly one numeric address and one port. Whether the address may be
/// contacted is AddressRules' question.
result<boost::asio::ip::tcp::endpoint> parse_tls_candidate(const core::ports::Candidate& candidate);

}  // namespace tubes::transports
