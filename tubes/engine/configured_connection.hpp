// SPDX-License-Identifier: GPL-3.0-or-later
// A connection that also knows the STUN and TURN servers of the user's configuration.
#pragma once

#include "tubes/core/ports/connection.hpp"

namespace tubes::engine {

/// Wraps `inner`; servers of the configuration come before those of the account's server.
std::unique_ptr<core::ports::Connection> with_ice_servers(std::unique_ptr<core::ports::Connection> inner,
                                                          std::vector<core::ports::IceServer> servers);

}  // namespace tubes::engine
