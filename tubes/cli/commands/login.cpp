// SPDX-License-Identifier: GPL-3.0-or-later
// `tube login` and `tube logout`: accounts.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/output.hpp"
#include "tubes/cli/terminal.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

struct LoginArguments {
    std::string address;
    std::string server;
    std::string ca_file;
    std::string pin;
    bool direct_tls = false;
    bool allow_plain = false;
};

struct LogoutArguments {
    std::string address;
};

asio::awaitable<int> run_login(Session& session, LoginArguments arguments) {
    auto password = read_password(fmt::format("Password of {}: ", safe(arguments.address)));
    if (!password) co_return session.fail("no password", password.error(), "none was typed");
    if (!session.open(false)) co_return session.exit_code();
    LoginOptions login;
    login.address = arguments.address;
    login.password = std::move(*password);
    login.host = arguments.server;
    login.ca_file = arguments.ca_file;
    login.pinned_certificate = arguments.pin;
    login.direct_tls = arguments.direct_tls;
    login.allow_plain = arguments.allow_plain;
    auto [error, account] = co_await session.node().async_login(std::move(login), kTuple);
    if (error) co_return session.fail("cannot log in as " + safe(arguments.address), error, account.detail);
    if (session.options().json) {
        print_json(to_json(account));
    } else {
        session.say(fmt::format("Logged in as {} at {} ({}). The account is kept for the next commands.",
                                safe(account.name), safe(account.server), safe(account.security)));
    }
    co_return kSuccess;
}

asio::awaitable<int> run_logout(Session& session, LogoutArguments arguments) {
    if (!session.open(true)) co_return session.exit_code();
    auto [error] = co_await session.node().async_logout(arguments.address, true, kTuple);
    if (error) co_return session.fail("cannot forget " + safe(arguments.address), error);
    session.say(fmt::format("{} and its password are forgotten; its identity key and pinned keys stay.",
                            safe(arguments.address)));
    co_return kSuccess;
}

}  // namespace

void add_login_command(CLI::App& app, Action& selected) {
    auto [command, arguments] =
        make_command<LoginArguments>(app, selected, "login", "Log an account in and keep it", run_login);
    command->add_option("ADDRESS", arguments->address, "The account: user@server")->required();
    command->add_option("--server", arguments->server, "Connect here instead of asking DNS")->type_name("HOST[:PORT]");
    command->add_flag("--direct-tls", arguments->direct_tls, "With --server: TLS from the first byte");
    command->add_option("--ca", arguments->ca_file, "Trust the certificate authorities in this file")
        ->type_name("FILE")
        ->check(CLI::ExistingFile);
    command->add_option("--pin", arguments->pin, "Trust exactly the certificate with this SHA-256 fingerprint")
        ->type_name("AA:BB:...");
    command->add_flag("--allow-plain", arguments->allow_plain,
                      "Permit sending the password itself, inside verified TLS");
    command->footer(
        "The password is asked without echo, or read from standard input if that is no terminal.\n\n"
        "Example:\n  tube login alice@example.org");
}

void add_logout_command(CLI::App& app, Action& selected) {
    auto [command, arguments] =
        make_command<LogoutArguments>(app, selected, "logout", "Forget an account and its password", run_logout);
    command->add_option("ADDRESS", arguments->address, "The account")->required();
}

}  // namespace tubes::cli
