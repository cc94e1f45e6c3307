// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of `tube`: one file each, one line each in commands.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>

#include "tubes/cli/session.hpp"

namespace tubes::cli {

/// What runs once the command line is understood.
using Action = std::function<boost::asio::awaitable<int>(Session&)>;

/// Adds every command to `app`; parsing then stores the chosen one's action in `selected`, which outlives `app`.
void add_commands(CLI::App& app, Action& selected);

// One function a command. `tube COMMAND --help` tells the rest.
void add_share_command(CLI::App& app, Action& selected);
void add_offer_command(CLI::App& app, Action& selected);
void add_connect_command(CLI::App& app, Action& selected);
void add_room_command(CLI::App& app, Action& selected);
void add_serve_command(CLI::App& app, Action& selected);
void add_login_command(CLI::App& app, Action& selected);
void add_logout_command(CLI::App& app, Action& selected);
void add_contacts_command(CLI::App& app, Action& selected);
void add_offers_command(CLI::App& app, Action& selected);
void add_accept_command(CLI::App& app, Action& selected);
void add_reject_command(CLI::App& app, Action& selected);
void add_policy_command(CLI::App& app, Action& selected);
void add_status_command(CLI::App& app, Action& selected);
void add_ping_command(CLI::App& app, Action& selected);
void add_doctor_command(CLI::App& app, Action& selected);
void add_verify_command(CLI::App& app, Action& selected);
void add_config_command(CLI::App& app, Action& selected);

/// Makes a sub-command whose options live in an `Options` and whose action is `run(session, options)`.
template <class Options>
std::pair<CLI::App*, Options*> make_command(CLI::App& app, Action& selected, const char* name, const char* summary,
                                            boost::asio::awaitable<int> (*run)(Session&, Options)) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(name, summary);
    command->callback(
        [options, run, &selected] { selected = [options, run](Session& session) { return run(session, *options); }; });
    return {command, options.get()};
}

}  // namespace tubes::cli
