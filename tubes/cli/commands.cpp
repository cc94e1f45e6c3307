// SPDX-License-Identifier: GPL-3.0-or-later
// The list of commands, in the order in which --help shows them.
#include "tubes/cli/commands.hpp"

namespace tubes::cli {

void add_commands(CLI::App& app, Action& selected) {
    using Add = void (*)(CLI::App&, Action&);
    static constexpr Add kCommands[] = {
        add_share_command,  add_connect_command,  add_offer_command,  add_serve_command,  add_login_command,
        add_logout_command, add_contacts_command, add_offers_command, add_accept_command, add_reject_command,
        add_policy_command, add_status_command,   add_ping_command,   add_doctor_command, add_verify_command,
        add_config_command, add_room_command,
    };
    for (const auto add : kCommands) add(app, selected);
}

}  // namespace tubes::cli
