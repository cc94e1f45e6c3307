// SPDX-License-Identifier: GPL-3.0-or-later
// Names of STUN and TURN servers to addresses, all at once and within a deadline.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <vector>

#include "transports/ice/ice_agent.hpp"

namespace tubes::transports {

/// Resolves the servers that libnice can use: STUN, TURN over UDP and TCP; TURN over TLS is left out, since libnice
/// would speak plain TCP to it. At most 8 servers and two addresses each. Calls `done` once on the executor, never
/// inside this call, at the latest after 1.5 s with what is known by then; servers given by address need no waiting.
void resolve_ice_servers(boost::asio::any_io_executor executor, const std::vector<core::ports::IceServer>& servers,
                         std::function<void(std::vector<IceServerAddress>)> done);

/// True for what resolve_ice_servers keeps.
bool is_usable_ice_server(const core::ports::IceServer& server) noexcept;
bool is_relay(const core::ports::IceServer& server) noexcept;

}  // namespace tubes::transports
