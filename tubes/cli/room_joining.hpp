// SPDX-License-Identifier: GPL-3.0-or-later
// Joining a room for a command: the options they have in common, and errors that say what to do.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "tubes/cli/session.hpp"
#include "tubes/room.hpp"

namespace tubes::cli {

struct RoomArguments {
    std::string room;
    std::string nick;
    bool has_password = false;
    std::string addresses;
    std::string account;
};

/// --nick, --password and --addresses.
void add_room_options(CLI::App* command, RoomArguments* arguments);

/// Waits for the accounts and joins. An exit code other than kSuccess after telling the user why not.
boost::asio::awaitable<std::pair<int, Room>> join_room(Session& session, RoomArguments arguments);

}  // namespace tubes::cli
