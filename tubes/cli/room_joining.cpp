// SPDX-License-Identifier: GPL-3.0-or-later
// Joining, and why it did not work.
#include "tubes/cli/room_joining.hpp"

#include "tubes/cli/output.hpp"
#include "tubes/cli/terminal.hpp"

namespace tubes::cli {
namespace {

std::string advice_on_joining(const error_code& error) {
    if (error == Errc::already_exists) return "the nickname is taken there: choose another with --nick";
    if (error == Errc::invalid_argument) {
        return "a room looks like name@conference.example.org, or a word for one on this machine; or change --nick";
    }
    if (error == Errc::unsupported) return "a room on this machine has no password";
    if (error == Errc::authentication_failed) return "the room wants a password: --password";
    if (error == Errc::refused) return "you are banned there; ask its owner";
    if (error == Errc::not_available) return "only members may enter; ask its owner to make you one";
    if (error == Errc::limit_exceeded) return "the room is full";
    if (error == Errc::not_found) return "there is no such room, and its server does not let you make it";
    if (error == Errc::not_connected) return "no account is online that has rooms: `tube login ADDRESS`";
    return "";
}

}  // namespace

void add_room_options(CLI::App* command, RoomArguments* arguments) {
    command->add_option("--nick", arguments->nick, "Nickname in the room; default: your name and a few characters")
        ->type_name("NICK");
    command->add_flag(
        "--password", arguments->has_password,
        "The room has a password: it is asked for, or a line of standard input where that is no terminal");
    command
        ->add_option("--addresses", arguments->addresses,
                     "Which addresses occupants whose key you have not accepted learn: all, public-only, relay-only")
        ->type_name("WHICH")
        ->check(CLI::IsMember({"all", "public-only", "relay-only"}));
}

boost::asio::awaitable<std::pair<int, Room>> join_room(Session& session, RoomArguments arguments) {
    // Not as an argument, which every user of the machine could read.
    std::string password;
    if (arguments.has_password) {
        auto typed = read_password("Password of " + safe(arguments.room) + ": ");
        if (!typed)
            co_return std::pair<int, Room>(session.fail("no password", typed.error(), "none was typed"), Room());
        password = std::move(*typed);
    }
    static_cast<void>(co_await session.accounts_ready());
    RoomOptions options;
    options.room = arguments.room;
    options.nick = arguments.nick;
    options.password = std::move(password);
    options.account = arguments.account;
    if (arguments.addresses == "all") options.addresses = AddressPolicy::all;
    if (arguments.addresses == "public-only") options.addresses = AddressPolicy::public_only;
    if (arguments.addresses == "relay-only") options.addresses = AddressPolicy::relay_only;
    auto [error, room] = co_await Room::async_join(session.node(), options, kTuple);
    int code = kSuccess;
    if (error) code = session.fail("cannot join " + safe(arguments.room), error, advice_on_joining(error));
    co_return std::pair<int, Room>(code, std::move(room));
}

}  // namespace tubes::cli
