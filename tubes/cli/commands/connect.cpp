// SPDX-License-Identifier: GPL-3.0-or-later
// `tube connect`: reach a program that somebody shares.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tubes/cli/bus_command.hpp"
#include "tubes/cli/commands.hpp"
#include "tubes/cli/control.hpp"
#include "tubes/cli/narrator.hpp"
#include "tubes/cli/output.hpp"
#include "tubes/cli/room_joining.hpp"
#include "tubes/cli/waiting.hpp"

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
    bool any_user = false;
    std::vector<std::string> command;
    int command_code = -1;     // of a command that has run
    bool is_bus_open = false;  // and its end is to be told
    bool allow_remote = false;
    bool keep = false;
    TubeKind kind = TubeKind::stream;
    int timeout_s = 30;
    RoomArguments room;
    std::string occupant;
    int room_failure = kSuccess;  // the exit code of joining that went wrong
};

result<Endpoint> local_end(const ConnectArguments& arguments) {
    if (arguments.stdio) return Endpoint::descriptors(STDIN_FILENO, STDOUT_FILENO);
    if (arguments.listen.empty()) return Endpoint::tcp("127.0.0.1", 0);
    return Endpoint::parse(arguments.listen);
}

/// Whose service it is, for people.
std::string owner_of(const ConnectArguments& arguments) {
    if (!arguments.room.room.empty()) return safe(arguments.room.room);
    return arguments.contact.empty() ? std::string("this machine") : safe(arguments.contact);
}

ConnectOptions connect_options(const ConnectArguments& arguments) {
    ConnectOptions options;
    options.service = arguments.service;
    options.kind = arguments.kind;
    options.contact = arguments.contact;
    options.peer = arguments.peer;
    options.account = arguments.account;
    options.deadline = std::chrono::seconds(arguments.timeout_s);
    return options;
}

/// Opens a tube to a contact. Most services are streams; what the others are, their owner says.
asio::awaitable<std::tuple<error_code, Tube>> open_tube(Session& session, ConnectArguments arguments) {
    auto [error, tube] = co_await session.node().async_connect(connect_options(arguments), kTuple);
    if (error != Errc::not_available) co_return std::tuple<error_code, Tube>(error, std::move(tube));
    const auto before = arguments.kind;
    arguments.kind = co_await find_service_kind(session, arguments.contact, arguments.service, before);
    if (arguments.kind == before) co_return std::tuple<error_code, Tube>(error, Tube());
    auto [second, other] = co_await session.node().async_connect(connect_options(arguments), kTuple);
    co_return std::tuple<error_code, Tube>(second, std::move(other));
}

/// What the service is that an occupant offers, where that is no stream; else what was wanted.
asio::awaitable<TubeKind> kind_in_room(ConnectArguments arguments, Room& room) {
    auto [error, info] = co_await room.async_info(kTuple);
    auto kind = arguments.kind;
    for (const auto& occupant : info.occupants) {
        if (occupant.is_self || (!arguments.occupant.empty() && occupant.nick != arguments.occupant)) continue;
        for (const auto& offered : occupant.services) {
            if (offered.service != arguments.service) continue;
            if (offered.kind == arguments.kind) co_return arguments.kind;
            kind = offered.kind;
        }
    }
    co_return kind;
}

/// Opens a tube to an occupant, waiting for somebody who offers the service within the deadline.
asio::awaitable<std::tuple<error_code, Tube>> open_in_room(Session& session, ConnectArguments arguments, Room& room) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.timeout_s);
    for (;;) {
        auto options = connect_options(arguments);
        options.kind = co_await kind_in_room(arguments, room);
        auto [error, tube] = co_await room.async_connect(options, arguments.occupant, kTuple);
        if (error == Errc::invalid_argument) {
            session.say("Several occupants offer it: say whose with --occupant NICK (`tube room join` shows them).");
        }
        if (error != Errc::not_found || std::chrono::steady_clock::now() >= deadline) {
            co_return std::tuple<error_code, Tube>(error, std::move(tube));
        }
        // Whoever comes or offers something is told as an event.
        asio::steady_timer timer(session.context(), deadline);
        timer.async_wait([&room](const error_code& late) {
            if (!late) room.close();
        });
        auto [ended, event] = co_await room.async_next(kTuple);
        if (ended) co_return std::tuple<error_code, Tube>(error, Tube());
    }
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
            ticker.show(fmt::format("{} {}, sent {}, received {}, {}/s", each.streams,
                                    each.kind == TubeKind::datagram ? "flows" : "connections",
                                    bytes_text(each.bytes_sent), bytes_text(each.bytes_received),
                                    bytes_text(total - std::min(before, total))));
            before = total;
        }
    }
}

/// Where programs find the service.
void tell_where(Session& session, const ConnectArguments& arguments, const TubeInfo& tube, const Endpoint& end) {
    const auto bus = end.bus_address();
    if (session.options().json) {
        nlohmann::json told = {{"listening", end.to_string()}, {"service", arguments.service}, {"tube", to_json(tube)}};
        if (!bus.empty()) told["bus_address"] = bus;
        return print_json(told);
    }
    const auto where = bus.empty() ? end.to_string() : "this bus:\n  " + bus_variable(end) + "\n";
    session.say(fmt::format("{} of {} is at {}{}Ctrl-C ends it.", safe(arguments.service), owner_of(arguments), where,
                            bus.empty() ? ". " : ""));
}

/// One tube from open to close; `opened` tells whether it came that far.
asio::awaitable<error_code> use_tube(Session& session, ConnectArguments& arguments, Endpoint& end, bool& opened) {
    Room room;
    if (!arguments.room.room.empty()) {
        auto [code, joined] = co_await join_room(session, arguments.room);
        arguments.room_failure = code;
        if (code != kSuccess) co_return make_error_code(Errc::not_connected);
        room = std::move(joined);
    }
    std::tuple<error_code, Tube> outcome;
    if (room.address().empty()) {
        outcome = co_await open_tube(session, arguments);
    } else {
        outcome = co_await open_in_room(session, arguments, room);
    }
    auto& [error, tube] = outcome;
    if (error) co_return error;
    ListenOptions listen;
    const bool is_bus = tube.info().kind == TubeKind::dbus;
    if (!is_bus && !arguments.command.empty()) {
        session.say(fmt::format("{} is no D-Bus service: there is no bus to run a command with.", arguments.service));
        co_return make_error_code(Errc::invalid_argument);
    }
    const bool is_default = arguments.listen.empty() && !arguments.stdio;
    if (is_bus && is_default && end.kind != Endpoint::Kind::dbus) end = Endpoint::dbus();
    end.any_user = arguments.any_user;
    listen.endpoint = end;
    listen.allow_remote = arguments.allow_remote;
    auto [listen_error, listener] = co_await tube.async_listen(listen, kTuple);
    if (listen_error == Errc::invalid_argument && is_bus)
        session.say("A D-Bus is reached at --listen dbus:PATH, or without --listen at a place of its own.");
    if (listen_error) co_return listen_error;
    opened = true;
    arguments.is_bus_open = is_bus;
    end = listener.endpoint();  // the same port again after a reconnect
    if (arguments.stdio) {
        auto [stdio_error] = co_await listener.async_wait(kTuple);
        co_return stdio_error;
    }
    if (!arguments.command.empty()) {
        arguments.command_code = co_await run_with_bus(session, arguments.command, end);
        co_return error_code();
    }
    tell_where(session, arguments, tube.info(), end);
    auto active = std::make_shared<bool>(true);
    asio::co_spawn(session.context(), show_counters(session, tube.info().id, active), asio::detached);
    auto [closed] = co_await tube.async_wait_closed(kTuple);
    *active = false;
    co_return closed;
}

/// What the end of a tube means where that is more than its reason.
std::string end_advice(const ConnectArguments& arguments, const error_code& error) {
    const bool is_room_bus = arguments.is_bus_open && !arguments.room.room.empty();
    if (!is_room_bus || (error != Errc::offline && error != Errc::cancelled && error != Errc::broken)) return {};
    return "who shares it has left the room or is out of reach: the bus is over for everybody";
}

asio::awaitable<int> run_connect(Session& session, ConnectArguments arguments) {
    auto end = local_end(arguments);
    if (!end)
        co_return session.fail("--listen", end.error(), "give a port, HOST:PORT, udp:PORT, unix:PATH or dbus:PATH");
    arguments.kind = end->tube_kind();
    arguments.room.account = arguments.account;
    const bool remote = !arguments.contact.empty() || !arguments.room.room.empty();
    if (!session.open(remote)) co_return session.exit_code();
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
        if (arguments.command_code >= 0) co_return arguments.command_code;
        if (session.is_stopping()) co_return kInterrupted;
        if (!arguments.keep || (arguments.stdio && opened)) {
            // Why the room could not be joined has been told.
            if (arguments.room_failure != kSuccess) co_return arguments.room_failure;
            const auto what = fmt::format("{} of {}", safe(arguments.service), owner_of(arguments));
            co_return error ? session.fail(what, error, end_advice(arguments, error)) : static_cast<int>(kSuccess);
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
    auto* from = command->add_option("--from", arguments->contact, "Whose service; default: your own on this machine");
    from->type_name("CONTACT");
    auto* room = command->add_option("--room", arguments->room.room, "A service of somebody in this room");
    room->type_name("ROOM")->excludes(from);
    command->add_option("--occupant", arguments->occupant, "With --room: of this occupant, where several offer it")
        ->type_name("NICK")
        ->needs(room);
    add_room_options(command, &arguments->room);
    command->add_option("--peer", arguments->peer, "Only this device of the contact, as `tube contacts` names it")
        ->type_name("ADDRESS");
    command->add_option("--account", arguments->account, "Use only this account")->type_name("ADDRESS");
    auto* listen = command->add_option(
        "--listen", arguments->listen,
        "Where programs connect: PORT, HOST:PORT, udp:PORT, unix:PATH or dbus:PATH (default: any free one)");
    listen->type_name("WHERE");
    command->add_flag("--stdio", arguments->stdio, "One connection over standard input and output")
        ->excludes(listen)
        ->excludes("--password");
    command->add_flag("--allow-remote", arguments->allow_remote, "Permit --listen on an address that others can reach");
    command->add_flag("--any-user", arguments->any_user,
                      "With --listen dbus:PATH: let in programs of every user of this machine");
    command->add_option("COMMAND", arguments->command,
                        "For a D-Bus service: run this after `--`, with DBUS_SESSION_BUS_ADDRESS set, until it ends");
    command->add_flag("--keep", arguments->keep, "Connect again whenever the tube is lost");
    command->add_option("--timeout", arguments->timeout_s, "Seconds to wait for the contact and their answer")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    command->footer(
        "Examples:\n  tube connect web --listen 127.0.0.1:9090\n"
        "  tube connect wg --from alice@example.org --listen udp:127.0.0.1:51820\n"
        "  tube connect ssh --from alice@example.org --stdio      (as ssh's ProxyCommand)\n"
        "  tube connect org.example.Editor --from alice@example.org -- editor --shared\n"
        "  tube connect web --room cable@conference.example.org --occupant alice");
}

}  // namespace tubes::cli
