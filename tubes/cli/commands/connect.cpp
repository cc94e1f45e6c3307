// SPDX-License-Identifier: GPL-3.0-or-later
// `tube connect`: reach a program that somebody shares.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/control.hpp"
#include "tubes/cli/narrator.hpp"
#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kFirstRetry{1};  // with --keep, doubled after each failure up to ...
constexpr std::chrono::seconds kLongestRetry{60};
constexpr std::chrono::seconds kTick{1};  // between two counters on the terminal

struct ConnectArguments {
    std::string service;
    std::string contact;
    std::string peer;
    std::string account;
    std::string listen;
    bool stdio = false;
    bool allow_remote = false;
    bool keep = false;
    int timeout_s = 30;
};

result<Endpoint> local_end(const ConnectArguments& arguments) {
    if (arguments.stdio) return Endpoint::descriptors(STDIN_FILENO, STDOUT_FILENO);
    if (arguments.listen.empty()) return Endpoint::tcp("127.0.0.1", 0);
    return Endpoint::parse(arguments.listen);
}

ConnectOptions connect_options(const ConnectArguments& arguments) {
    ConnectOptions options;
    options.service = arguments.service;
    options.contact = arguments.contact;
    options.peer = arguments.peer;
    options.account = arguments.account;
    options.deadline = std::chrono::seconds(arguments.timeout_s);
    return options;
}

/// Shows what moves, once a second, while a terminal watches.
asio::awaitable<void> show_counters(Session& session, std::string tube, std::shared_ptr<bool> active) {
    Ticker ticker;
    asio::steady_timer timer(session.context());
    std::uint64_t before = 0;
    while (*active && !session.options().quiet) {
        timer.expires_after(kTick);
        auto [timer_error] = co_await timer.async_wait(kTuple);
        if (timer_error || !*active) break;
        auto [error, status] = co_await session.node().async_status(kTuple);
        if (error) break;
        for (const auto& each : status.tubes) {
            if (each.id != tube) continue;
            const auto total = each.bytes_sent + each.bytes_received;
            ticker.show(fmt::format("{} connections, sent {}, received {}, {}/s", each.streams,
                                    bytes_text(each.bytes_sent), bytes_text(each.bytes_received),
                                    bytes_text(total - std::min(before, total))));
            before = total;
        }
    }
}

/// One tube from open to close; `opened` tells whether it came that far.
asio::awaitable<error_code> use_tube(Session& session, ConnectArguments arguments, Endpoint& end, bool& opened) {
    auto [error, tube] = co_await session.node().async_connect(connect_options(arguments), kTuple);
    if (error) co_return error;
    ListenOptions listen;
    listen.endpoint = end;
    listen.allow_remote = arguments.allow_remote;
    auto [listen_error, listener] = co_await tube.async_listen(listen, kTuple);
    if (listen_error) co_return listen_error;
    opened = true;
    end = listener.endpoint();  // the same port again after a reconnect
    if (arguments.stdio) {
        auto [stdio_error] = co_await listener.async_wait(kTuple);
        co_return stdio_error;
    }
    const auto owner = arguments.contact.empty() ? std::string("this machine") : safe(arguments.contact);
    if (session.options().json) {
        print_json({{"listening", end.to_string()}, {"service", arguments.service}, {"tube", to_json(tube.info())}});
    } else {
        session.say(fmt::format("{} of {} is at {}. Ctrl-C ends it.", safe(arguments.service), owner, end.to_string()));
    }
    auto active = std::make_shared<bool>(true);
    asio::co_spawn(session.context(), show_counters(session, tube.info().id, active), asio::detached);
    auto [closed] = co_await tube.async_wait_closed(kTuple);
    *active = false;
    co_return closed;
}

asio::awaitable<int> run_connect(Session& session, ConnectArguments arguments) {
    auto end = local_end(arguments);
    if (!end) co_return session.fail("--listen", end.error(), "give a port, HOST:PORT, or unix:PATH");
    if (!session.open(!arguments.contact.empty())) co_return session.exit_code();
    auto narrator = std::make_shared<Narrator>(session);
    asio::co_spawn(session.context(), narrator->follow(narrator), asio::detached);
    ControlServer control(session, "connect " + arguments.service);
    if (!arguments.contact.empty()) {
        narrator->trust_subscriptions_of(arguments.contact);
        co_await session.accounts_ready();
        co_await ensure_contact(session, arguments.contact);
    }
    auto pause = kFirstRetry;
    for (;;) {
        bool opened = false;
        const auto error = co_await use_tube(session, arguments, *end, opened);
        if (session.is_stopping()) co_return kInterrupted;
        if (!arguments.keep || (arguments.stdio && opened)) {
            const auto what = fmt::format("{} of {}", safe(arguments.service),
                                          arguments.contact.empty() ? "this machine" : safe(arguments.contact));
            co_return error ? session.fail(what, error) : static_cast<int>(kSuccess);
        }
        pause = opened ? kFirstRetry : std::min(pause * 2, kLongestRetry);
        session.say(
            fmt::format("{}: {}; trying again in {} s", safe(arguments.service), error.message(), pause.count()));
        asio::steady_timer timer(session.context(), pause);
        co_await timer.async_wait(kTuple);
    }
}

}  // namespace

void add_connect_command(CLI::App& app, Action& selected) {
    auto [command, arguments] =
        make_command<ConnectArguments>(app, selected, "connect", "Reach a program that somebody shares", run_connect);
    command->add_option("SERVICE", arguments->service, "The service, as `tube contacts` names it")->required();
    command->add_option("--from", arguments->contact, "Whose service; default: your own on this machine")
        ->type_name("CONTACT");
    command->add_option("--peer", arguments->peer, "Only this device of the contact, as `tube contacts` names it")
        ->type_name("ADDRESS");
    command->add_option("--account", arguments->account, "Use only this account")->type_name("ADDRESS");
    auto* listen = command->add_option("--listen", arguments->listen,
                                       "Where programs connect: PORT, HOST:PORT or unix:PATH (default: any free port)");
    listen->type_name("WHERE");
    command->add_flag("--stdio", arguments->stdio, "One connection over standard input and output")->excludes(listen);
    command->add_flag("--allow-remote", arguments->allow_remote, "Permit --listen on an address that others can reach");
    command->add_flag("--keep", arguments->keep, "Connect again whenever the tube is lost");
    command->add_option("--timeout", arguments->timeout_s, "Seconds to wait for the contact and their answer")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    command->footer(
        "Examples:\n  tube connect web --listen 127.0.0.1:9090\n"
        "  tube connect ssh --from alice@example.org --stdio      (as ssh's ProxyCommand)");
}

}  // namespace tubes::cli
