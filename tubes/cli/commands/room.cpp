// SPDX-License-Identifier: GPL-3.0-or-later
// `tube room join`: stay in a room and see who is there, what they offer and what is said.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/output.hpp"
#include "tubes/cli/room_joining.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

struct RoomCommandArguments : RoomArguments {
    std::string action;
    std::string text;
};

std::string services_of(const OccupantInfo& occupant) {
    std::string text;
    for (const auto& service : occupant.services) text += (text.empty() ? "" : ", ") + safe(service.service);
    return text;
}

json occupant_json(const OccupantInfo& occupant) {
    return {{"nick", occupant.nick},
            {"contact", occupant.contact},
            {"address", occupant.real_address},
            {"role", occupant.role},
            {"affiliation", occupant.affiliation},
            {"self", occupant.is_self},
            {"device", occupant.device},
            {"services", list_json(occupant.services)}};
}

/// One line, or one JSON document, an event.
struct Teller {
    bool as_json;

    void tell(const std::string& line, json document) const {
        if (as_json) return print_json(document);
        fmt::print("{}\n", line);
        std::fflush(stdout);
    }
    void operator()(const OccupantChanged& event) const {
        const auto offers = services_of(event.occupant);
        const auto what = event.is_new ? "is here" : "changed";
        tell(fmt::format("* {} {}{}", safe(event.occupant.nick), what, offers.empty() ? "" : ", offering " + offers),
             {{"event", "occupant"}, {"new", event.is_new}, {"occupant", occupant_json(event.occupant)}});
    }
    void operator()(const OccupantLeft& event) const {
        tell(fmt::format("* {} is gone: {}{}", safe(event.occupant.nick), event.reason,
                         event.text.empty() ? "" : " (" + safe(event.text) + ")"),
             {{"event", "left"}, {"nick", event.occupant.nick}, {"reason", event.reason}, {"text", event.text}});
    }
    void operator()(const RoomText& event) const {
        tell(fmt::format("{}{}: {}", safe(event.nick), event.is_private ? " (to you)" : "", safe(event.text)),
             {{"event", "text"}, {"nick", event.nick}, {"text", event.text}, {"private", event.is_private}});
    }
    void operator()(const RoomSubjectChanged& event) const {
        tell("* subject: " + safe(event.text), {{"event", "subject"}, {"text", event.text}, {"nick", event.nick}});
    }
    void operator()(const RoomStateChanged& event) const {
        const auto why = event.reason.empty() ? "" : ": " + event.reason;
        tell(fmt::format("* {}{}{}", event.state, why, event.text.empty() ? "" : " (" + safe(event.text) + ")"),
             {{"event", "state"}, {"state", event.state}, {"reason", event.reason}, {"text", event.text}});
    }
    void operator()(const RoomEventsLost& event) const {
        tell(fmt::format("* {} events were lost", event.count), {{"event", "lost"}, {"count", event.count}});
    }
};

asio::awaitable<int> run_room(Session& session, RoomCommandArguments arguments) {
    if (!session.open(true)) co_return session.exit_code();
    auto [code, room] = co_await join_room(session, arguments);
    if (code != kSuccess) co_return code;
    session.say(fmt::format("In {}. Ctrl-C leaves.", safe(room.address())));
    if (!arguments.text.empty()) {
        auto [error] = co_await room.async_send(arguments.text, "", kTuple);
        if (error) co_return session.fail("cannot say that", error);
    }
    const Teller teller{session.options().json};
    for (;;) {
        auto [error, event] = co_await room.async_next(kTuple);
        if (error) co_return session.is_stopping() ? kInterrupted : kBroken;
        std::visit(teller, event);
        const auto* changed = std::get_if<RoomStateChanged>(&event);
        const bool banned = changed && changed->state == "left";
        if (banned) co_return session.fail("the room", make_error_code(Errc::refused), changed->reason);
    }
}

}  // namespace

void add_room_command(CLI::App& app, Action& selected) {
    auto [command, arguments] = make_command<RoomCommandArguments>(
        app, selected, "room", "Stay in a room: who is there, what they offer, what is said", run_room);
    command->add_option("ACTION", arguments->action, "join")->required()->check(CLI::IsMember({"join"}));
    command->add_option("ROOM", arguments->room, "The room's address")->required();
    command->add_option("--account", arguments->account, "Use only this account")->type_name("ADDRESS");
    command->add_option("--say", arguments->text, "Say this to the room first")->type_name("TEXT");
    add_room_options(command, arguments);
    command->footer(
        "Examples:\n  tube room join cable@conference.example.org --nick alice\n"
        "  tube share 8080 --as web --to-room cable@conference.example.org\n"
        "  tube connect web --room cable@conference.example.org --occupant alice");
}

}  // namespace tubes::cli
