// SPDX-License-Identifier: GPL-3.0-or-later
// `tube share` and `tube offer`: give others access to a program of this machine.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>

#include "tubes/cli/bus_command.hpp"
#include "tubes/cli/commands.hpp"
#include "tubes/cli/control.hpp"
#include "tubes/cli/narrator.hpp"
#include "tubes/cli/output.hpp"
#include "tubes/cli/room_joining.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

struct ShareArguments {
    std::string target;
    std::string unix_path;
    std::string udp;
    bool dbus = false;
    std::string bus_path;
    bool any_user = false;
    std::vector<std::string> command;
    std::string service;
    std::vector<std::string> contacts;
    std::string account;
    bool always = false;
    bool trust_first = false;
    bool webrtc = false;
    int lifetime_s = 600;
    RoomArguments room;
    bool ask = false;
};

constexpr const char* kTargetAdvice = "give a port, HOST:PORT, --udp PORT, --unix PATH, or --dbus NAME";

result<Endpoint> target_of(const ShareArguments& arguments) {
    if (arguments.dbus) {
        auto bus = Endpoint::dbus(arguments.bus_path);
        bus.any_user = arguments.any_user;
        return arguments.target.empty() ? make_error_code(Errc::invalid_argument) : result<Endpoint>(bus);
    }
    if (!arguments.udp.empty()) return Endpoint::parse("udp:" + arguments.udp);
    if (!arguments.unix_path.empty()) return Endpoint::unix_path(arguments.unix_path);
    return Endpoint::parse(arguments.target);
}

/// The name of a share that was given none: what it leads to.
std::string service_name(const ShareArguments& arguments) {
    if (!arguments.service.empty()) return arguments.service;
    if (arguments.dbus) return arguments.target;
    std::string name = arguments.target + arguments.unix_path + arguments.udp;  // one of them was given
    if (const auto slash = name.rfind('/'); slash != std::string::npos) name = name.substr(slash + 1);
    if (const auto colon = name.rfind(':'); colon != std::string::npos) name = name.substr(colon + 1);
    return name;
}

/// Where the other person would listen: the same port, unless it needs privileges.
std::string suggested_listen(const Endpoint& target) {
    const bool is_udp = target.kind == Endpoint::Kind::udp;
    if (!is_udp && target.kind != Endpoint::Kind::tcp) return "127.0.0.1:0";
    const auto port = target.port < 1024 ? target.port + 10000 : target.port;
    return fmt::format("{}127.0.0.1:{}", is_udp ? "udp:" : "", port);
}

/// What may be wrong with a bus.
std::string bus_advice(const ShareArguments& arguments, const error_code& error) {
    if (!arguments.dbus || error != Errc::invalid_argument) return {};
    return "a D-Bus name has at least two parts, like org.example.Editor, and a --bus path at most 107 characters";
}

std::string online_account(const std::vector<AccountInfo>& accounts, const std::string& wanted) {
    for (const auto& account : accounts) {
        if (account.state != AccountState::online || account.protocol == "local") continue;
        if (wanted.empty() || account.name == wanted) return account.name;
    }
    return {};
}

void print_invitation(Session& session, const ShareArguments& arguments, const ShareOptions& share,
                      const std::string& account) {
    // On this machine the shared port is taken: let the system choose one.
    const bool own = share.audience.empty();
    const bool is_bus = share.kind == TubeKind::dbus;  // which needs no place of the user's choice
    const auto listen = is_bus ? std::string() : " --listen " + suggested_listen(share.target);
    const auto rest = own ? std::string() : fmt::format(" --from {}{}", safe(account), listen);
    const auto command = fmt::format("tube connect {}{}", share.service, rest);
    if (session.options().json) {
        nlohmann::json told = {{"service", share.service},
                               {"target", share.target.to_string()},
                               {"audience", share.audience},
                               {"always", arguments.always},
                               {"peer_command", command}};
        if (is_bus) told["bus_address"] = share.target.bus_address();
        return print_json(told);
    }
    std::string audience = "your own programs on this machine";
    if (!share.audience.empty()) audience = safe(fmt::format("{}", fmt::join(share.audience, ", ")));
    session.say(fmt::format("Sharing {} as {} with {}{}.", share.target.to_string(), share.service, audience,
                            share.audience.empty() || arguments.always ? "" : ", asking you before each use"));
    if (is_bus) session.say("Programs here find its bus with:\n  " + bus_variable(share.target));
    session.say(fmt::format("{}:\n  {}", share.audience.empty() ? "In another terminal" : "They type", command));
}

asio::awaitable<void> invite(Session& session, Narrator& narrator, const std::vector<std::string>& contacts) {
    for (const auto& contact : contacts) {
        narrator.trust_subscriptions_of(contact);
        co_await ensure_contact(session, contact);
    }
}

/// Stays until a signal ends the program.
asio::awaitable<int> stay(Session& session) {
    asio::steady_timer forever(session.context(), asio::steady_timer::time_point::max());
    co_await forever.async_wait(kTuple);
    co_return kSuccess;
}

/// Until the room is over for us, or a signal ends the program.
asio::awaitable<int> stay_in_room(Session& session, Room& room) {
    for (;;) {
        auto [ended, event] = co_await room.async_next(kTuple);
        if (ended) co_return session.is_stopping() ? kInterrupted : kBroken;
        const auto* changed = std::get_if<RoomStateChanged>(&event);
        const bool over = changed && changed->state == "left";
        if (over) co_return session.fail("the room", make_error_code(Errc::refused), changed->reason);
    }
}

/// Runs the command of a bus while the room lasts.
asio::awaitable<int> run_in_room(Session& session, Room& room, std::vector<std::string> command, Endpoint bus) {
    using asio::experimental::awaitable_operators::operator||;
    auto running = run_with_bus(session, std::move(command), std::move(bus));
    auto staying = stay_in_room(session, room);
    const auto first = co_await (std::move(running) || std::move(staying));
    co_return std::visit([](int code) { return code; }, first);
}

/// Shares with everybody in a room; whoever the room lets in may use it, unless --ask.
asio::awaitable<int> share_with_room(Session& session, ShareArguments arguments, ShareOptions share) {
    arguments.room.account = arguments.account;
    share.policy = arguments.ask ? Policy::ask : Policy::always;
    share.trust_first_key = !arguments.ask;
    auto [code, room] = co_await join_room(session, arguments.room);
    if (code != kSuccess) co_return code;
    auto [error, handle] = co_await room.async_share(share, kTuple);
    if (error) co_return session.fail("cannot share " + safe(share.service), error, bus_advice(arguments, error));
    ControlServer control(session, "share " + share.service);
    share.target = handle.target();
    if (share.kind == TubeKind::dbus) session.say("Programs here find its bus with:\n  " + bus_variable(share.target));
    const auto command = fmt::format("tube connect {} --room {}", share.service, safe(room.address()));
    if (session.options().json) {
        nlohmann::json told = {{"service", share.service}, {"room", room.address()}, {"peer_command", command}};
        if (share.kind == TubeKind::dbus) told["bus_address"] = share.target.bus_address();
        print_json(told);
    }
    session.say(fmt::format("Sharing {} as {} with everybody in {}. They type:\n  {}", share.target.to_string(),
                            share.service, safe(room.address()), command));
    if (arguments.command.empty()) co_return co_await stay_in_room(session, room);
    co_return co_await run_in_room(session, room, arguments.command, share.target);
}

asio::awaitable<int> run_share(Session& session, ShareArguments arguments) {
    const auto target = target_of(arguments);
    if (!target) co_return session.fail("what to share", target.error(), kTargetAdvice);
    ShareOptions share;
    share.service = service_name(arguments);
    share.target = *target;
    share.kind = target->tube_kind();
    share.audience = arguments.contacts;
    share.account = arguments.account;
    share.policy = arguments.always || arguments.contacts.empty() ? Policy::always : Policy::ask;
    share.trust_first_key = arguments.trust_first;
    share.webrtc = arguments.webrtc;
    const bool remote = !arguments.contacts.empty() || !arguments.room.room.empty();
    if (!session.open(remote)) co_return session.exit_code();
    auto narrator = std::make_shared<Narrator>(session);
    asio::co_spawn(session.context(), narrator->follow(narrator), asio::detached);
    if (!arguments.room.room.empty()) co_return co_await share_with_room(session, arguments, share);
    std::string account;
    if (!arguments.contacts.empty()) {
        const auto accounts = co_await session.accounts_ready();
        account = online_account(accounts, arguments.account);
        if (account.empty()) {
            const auto code = make_error_code(Errc::not_connected);
            co_return session.fail("cannot share with others", code,
                                   accounts.size() > 1 ? "" : "no account is set up: `tube login ADDRESS`");
        }
        co_await invite(session, *narrator, arguments.contacts);
    }
    auto [error, handle] = co_await session.node().async_share(share, kTuple);
    if (error) co_return session.fail("cannot share " + safe(share.service), error, bus_advice(arguments, error));
    ControlServer control(session, "share " + share.service);
    share.target = handle.target();
    print_invitation(session, arguments, share, account);
    if (!arguments.command.empty()) co_return co_await run_with_bus(session, arguments.command, share.target);
    co_return co_await stay(session);
}

asio::awaitable<int> run_offer(Session& session, ShareArguments arguments) {
    const auto target = target_of(arguments);
    if (!target) co_return session.fail("what to offer", target.error(), kTargetAdvice);
    OfferOptions offer;
    offer.service = service_name(arguments);
    offer.target = *target;
    offer.kind = target->tube_kind();
    offer.contact = arguments.contacts.front();
    offer.account = arguments.account;
    offer.lifetime = std::chrono::seconds(arguments.lifetime_s);
    if (!session.open(true)) co_return session.exit_code();
    auto narrator = std::make_shared<Narrator>(session);
    asio::steady_timer over(session.context(), asio::steady_timer::time_point::max());
    auto outcome = std::make_shared<error_code>();
    narrator->on_event([&over, outcome](const Event& event) {
        const auto* ended = std::get_if<OfferEnded>(&event);
        const auto* closed = std::get_if<TubeClosed>(&event);
        // Taken is the good end: the tube is open and stays until it closes.
        if (ended != nullptr && ended->reason != Errc::taken) *outcome = make_error_code(ended->reason);
        if ((ended != nullptr && ended->reason != Errc::taken) || closed != nullptr) over.cancel();
    });
    asio::co_spawn(session.context(), narrator->follow(narrator), asio::detached);
    co_await session.accounts_ready();
    co_await invite(session, *narrator, arguments.contacts);
    auto [error, handle] = co_await session.node().async_offer(offer, kTuple);
    if (error) co_return session.fail("cannot offer " + safe(offer.service), error);
    ControlServer control(session, "offer " + offer.service);
    offer.target = handle.target();
    if (offer.kind == TubeKind::dbus) session.say("Programs here find its bus with:\n  " + bus_variable(offer.target));
    session.say(fmt::format("Offering {} as {} to {} for {} s; they see it in `tube serve` and `tube offers`.",
                            offer.target.to_string(), offer.service, safe(offer.contact), arguments.lifetime_s));
    co_await over.async_wait(kTuple);
    narrator->on_event(nullptr);
    if (*outcome) co_return session.fail("the offer", *outcome);
    co_return kSuccess;
}

void add_target_options(CLI::App* command, ShareArguments* arguments) {
    auto* target =
        command->add_option("TARGET", arguments->target, "Port or HOST:PORT of the program to share, or a D-Bus name");
    auto* path =
        command->add_option("--unix", arguments->unix_path, "Share the program at this Unix socket")->type_name("PATH");
    auto* udp = command->add_option("--udp", arguments->udp, "Share the program at this UDP port, or HOST:PORT")
                    ->type_name("PORT");
    target->excludes(path)->excludes(udp);
    path->excludes(udp);
    auto* dbus = command->add_flag("--dbus", arguments->dbus,
                                   "TARGET is a D-Bus name, org.example.Editor: share a private bus under it");
    dbus->excludes(path)->excludes(udp);
    command->add_option("--bus", arguments->bus_path, "With --dbus: the bus's socket (default: one of its own)")
        ->type_name("PATH")
        ->needs(dbus);
    command->add_flag("--any-user", arguments->any_user, "With --bus: let in programs of every user of this machine")
        ->needs("--bus");
    auto* name =
        command->add_option("--as", arguments->service, "Name of the service, [A-Za-z0-9._-]{1,64} (default: the port)")
            ->type_name("NAME");
    name->excludes(dbus);
    command->add_option("--account", arguments->account, "Use only this account")->type_name("ADDRESS");
}

}  // namespace

void add_share_command(CLI::App& app, Action& selected) {
    auto [command, arguments] =
        make_command<ShareArguments>(app, selected, "share", "Let others use a program of this machine", run_share);
    add_target_options(command, arguments);
    auto* run =
        command->add_option("COMMAND", arguments->command,
                            "With --dbus: run this after `--`, with DBUS_SESSION_BUS_ADDRESS set, until it ends");
    run->needs("--dbus");
    auto* to = command->add_option("--to", arguments->contacts,
                                   "Who may use it (repeat for more); default: your own programs here");
    to->type_name("CONTACT");
    auto* room = command->add_option("--to-room", arguments->room.room, "Everybody in this room may use it");
    room->type_name("ROOM")->excludes(to);
    command->add_flag("--ask", arguments->ask, "With --to-room: ask before each use")->needs(room);
    add_room_options(command, &arguments->room);
    auto* always = command->add_flag("--always", arguments->always,
                                     "Do not ask before each use by devices of theirs that you accepted before");
    command
        ->add_flag("--trust-first", arguments->trust_first,
                   "With --always: do not ask either about the first device ever seen of a contact")
        ->needs(always);
    command
        ->add_flag("--webrtc", arguments->webrtc,
                   "Also for pages in their browsers; these have no device key, so you are asked each time, unless "
                   "--always --trust-first")
        ->needs(to)
        ->excludes(room);
    command->footer(
        "Examples:\n  tube share 8080 --as web\n  tube share 22 --as ssh --to bob@example.org\n"
        "  tube share --udp 51820 --as wg --to bob@example.org\n"
        "  tube share --dbus org.example.Editor --to bob@example.org -- editor --shared\n"
        "  tube share --unix app.sock --as app --to bob@example.org --always\n"
        "  tube share 8080 --as web --to-room cable@conference.example.org\n"
        "  tube share --dbus org.example.Editor --to-room cable@conference.example.org -- editor --shared");
}

void add_offer_command(CLI::App& app, Action& selected) {
    auto [command, arguments] = make_command<ShareArguments>(
        app, selected, "offer", "Offer a program of this machine to one contact, once", run_offer);
    add_target_options(command, arguments);
    command->add_option("--to", arguments->contacts, "Whom to offer it to")
        ->type_name("CONTACT")
        ->required()
        ->expected(1);
    command->add_option("--for", arguments->lifetime_s, "Seconds until the offer expires")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 604800))
        ->capture_default_str();
    command->footer("Example:\n  tube offer 5900 --as vnc --to bob@example.org --for 300");
}

}  // namespace tubes::cli
