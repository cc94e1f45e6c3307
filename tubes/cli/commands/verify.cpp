// SPDX-License-Identifier: GPL-3.0-or-later
// `tube verify`: compare, accept and drop the keys of a contact.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/control.hpp"
#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

struct VerifyArguments {
    std::string contact;
    std::string accept;
    std::string drop;
    bool live = false;
};

std::string date_text(std::chrono::system_clock::time_point when) {
    const auto seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

void print_pins(const Session& session, const std::vector<PinInfo>& pins, const std::string& contact) {
    if (session.options().json) return print_json(list_json(pins));
    for (const auto& pin : pins) {
        const char* standing = pin.verified ? "verified" : pin.accepted ? "accepted, not compared yet" : "NOT ACCEPTED";
        fmt::print("device {} (first seen {}): {}\n", short_device(pin.device), date_text(pin.first_seen), standing);
        fmt::print("  {}\n", pin.digits);
    }
    fmt::print(
        "Read the digits to {} by a way you trust, such as a call. If `tube verify` shows them the same, mark\n"
        "the key: tube verify {} --accept \"{}\"\n",
        safe(contact), safe(contact), pins.empty() ? "" : short_device(pins.front().device));
}

/// The one device whose name begins with what the user typed; spaces do not count.
result<std::string> find_device(const std::vector<PinInfo>& pins, std::string typed) {
    std::erase(typed, ' ');
    std::string found;
    for (const auto& pin : pins) {
        if (typed.empty() || !pin.device.starts_with(typed)) continue;
        if (!found.empty()) return make_error_code(Errc::invalid_argument);
        found = pin.device;
    }
    if (found.empty()) return make_error_code(Errc::not_found);
    return found;
}

asio::awaitable<int> compare_live(Session& session, std::string contact) {
    nlohmann::json request = {{"command", "compare"}, {"contact", contact}};
    auto replies = co_await ask_all(session, std::move(request));
    for (const auto& reply : replies) {
        if (!reply.body.value("ok", false)) continue;
        fmt::print("{}\nIf {} sees the same, nobody stands between you.\n", safe(reply.body.value("text", "")),
                   safe(contact));
        co_return kSuccess;
    }
    co_return session.fail("cannot compare live", make_error_code(Errc::not_found),
                           "there is no open tube with " + contact + "; compare the digits instead");
}

asio::awaitable<int> run_verify(Session& session, VerifyArguments arguments) {
    if (arguments.live) co_return co_await compare_live(session, arguments.contact);
    if (!session.open(true)) co_return session.exit_code();
    auto& node = session.node();
    auto [error, pins] = co_await node.async_pins(arguments.contact, kTuple);
    if (error) co_return session.fail("cannot show keys of " + safe(arguments.contact), error);
    if (pins.empty()) {
        co_return session.fail("no keys of " + safe(arguments.contact), make_error_code(Errc::not_found),
                               "none was seen yet; keys are pinned when the first tube opens");
    }
    const auto& typed = arguments.accept.empty() ? arguments.drop : arguments.accept;
    if (typed.empty()) {
        print_pins(session, pins, arguments.contact);
        co_return kSuccess;
    }
    const auto device = find_device(pins, typed);
    if (!device) co_return session.fail("which device", device.error(), "no key, or more than one, begins like that");
    auto [set_error] = co_await node.async_set_pin(arguments.contact, *device, !arguments.accept.empty(), kTuple);
    if (set_error) co_return session.fail("cannot change the key", set_error);
    session.say(fmt::format("device {} of {} is {}", short_device(*device), safe(arguments.contact),
                            arguments.accept.empty() ? "dropped" : "verified"));
    co_return kSuccess;
}

}  // namespace

void add_verify_command(CLI::App& app, Action& selected) {
    auto [command, arguments] = make_command<VerifyArguments>(
        app, selected, "verify", "Compare, accept or drop the keys of a contact", run_verify);
    command->add_option("CONTACT", arguments->contact, "Whose keys")->required();
    auto* accept = command->add_option("--accept", arguments->accept, "Mark the key of this device as compared");
    accept->type_name("DEVICE");
    auto* drop = command->add_option("--drop", arguments->drop, "Forget the key of this device; its tubes close");
    drop->type_name("DEVICE")->excludes(accept);
    command->add_flag("--live", arguments->live, "Compare a short string over the open link instead")
        ->excludes(accept)
        ->excludes(drop);
    command->footer("Example:\n  tube verify bob@example.org");
}

}  // namespace tubes::cli
