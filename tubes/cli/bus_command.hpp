// SPDX-License-Identifier: GPL-3.0-or-later
// Giving programs the bus of a D-Bus tube: as a variable to set, or by running one with it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "tubes/cli/session.hpp"

namespace tubes::cli {

/// "DBUS_SESSION_BUS_ADDRESS=unix:path=...", as env(1) takes it.
std::string bus_variable(const Endpoint& bus);

/// Runs a command with that variable set and this program's standard input and output; ends it with SIGTERM when this
/// program is to end. Its exit code, or 128 + signal; kUsage after telling the user that it cannot be run.
boost::asio::awaitable<int> run_with_bus(Session& session, std::vector<std::string> command, Endpoint bus);

}  // namespace tubes::cli
