// SPDX-License-Identifier: GPL-3.0-or-later
// `tube ping`: the round trip to a contact's devices, and over which kind of path.
#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/control.hpp"
#include "tubes/cli/output.hpp"
#include "tubes/cli/waiting.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

struct PingArguments {
    std::string contact;
    int count = 3;
    int timeout_s = 10;
};

void print_ping(const Session& session, const json& ping) {
    if (session.options().json) return print_json(ping);
    const auto& path = ping["path"];
    std::string over = "through the server";
    if (path.is_object()) {
        over = fmt::format("{} {}", path.value("kind", ""), safe(path.value("remote_address", "")));
    }
    fmt::print("{}: {} over {}\n", safe(ping.value("peer", "")),
               duration_text(std::chrono::microseconds(ping.value("rtt_us", 0LL))), over);
    std::fflush(stdout);
}

/// Over links that another tube process holds open; false if there is none.
asio::awaitable<bool> ping_open_links(Session& session, PingArguments arguments) {
    json request = {{"command", "ping"}, {"contact", arguments.contact}};
    request["deadline_ms"] = 2500;
    auto replies = co_await ask_all(session, std::move(request));
    bool any = false;
    for (const auto& reply : replies) {
        if (!reply.body.value("ok", false)) continue;
        for (const auto& ping : reply.body["pings"]) {
            if (!ping["path"].is_object()) continue;
            print_ping(session, ping);
            any = true;
        }
    }
    co_return any;
}

asio::awaitable<error_code> ping_through_server(Session& session, PingArguments arguments) {
    const std::chrono::milliseconds deadline(std::chrono::seconds(arguments.timeout_s));
    auto [error, pings] = co_await session.node().async_ping(arguments.contact, deadline, kTuple);
    for (const auto& ping : pings) print_ping(session, to_json(ping));
    co_return error;
}

asio::awaitable<int> run_ping(Session& session, PingArguments arguments) {
    asio::steady_timer pause(session.context());
    bool opened = false;
    for (int i = 0; i < arguments.count; ++i) {
        if (i != 0) {
            pause.expires_after(std::chrono::seconds(1));
            co_await pause.async_wait(kTuple);
        }
        const bool over_link = !opened && co_await ping_open_links(session, arguments);
        if (over_link) continue;
        if (!opened) {
            if (!session.open(true)) co_return session.exit_code();
            opened = true;
            co_await session.accounts_ready();
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.timeout_s);
            co_await wait_for_contact(session, arguments.contact, deadline);
        }
        const auto error = co_await ping_through_server(session, arguments);
        if (error) co_return session.fail("no answer from " + safe(arguments.contact), error);
    }
    co_return kSuccess;
}

}  // namespace

void add_ping_command(CLI::App& app, Action& selected) {
    auto [command, arguments] = make_command<PingArguments>(
        app, selected, "ping", "Round trip to a contact's devices, and over which path", run_ping);
    command->add_option("CONTACT", arguments->contact, "Whom")->required();
    command->add_option("--count", arguments->count, "How many times")
        ->type_name("N")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    command->add_option("--timeout", arguments->timeout_s, "Seconds to wait for an answer")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    command->footer(
        "Opens no link by itself: without an open tube it measures the way through the server.\n\n"
        "Example:\n  tube ping bob@example.org");
}

}  // namespace tubes::cli
