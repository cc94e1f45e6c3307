// SPDX-License-Identifier: GPL-3.0-or-later
// `tube status`: what the running tube processes of this profile do.
#include <fmt/format.h>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/control.hpp"
#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

struct StatusArguments {
    bool phases = false;
};

std::string rtt_text(const json& rtt) {
    return rtt.is_number() ? duration_text(std::chrono::microseconds(rtt.get<std::int64_t>())) : "";
}

void print_accounts(const json& status) {
    Table table({"  ACCOUNT", "STATE", "SERVER", "SECURITY"});
    for (const auto& account : status["accounts"]) {
        table.add({"  " + safe(account.value("name", "")), account.value("state", ""),
                   safe(account.value("server", "")), safe(account.value("security", ""))});
    }
    if (!table.empty()) table.print(stdout);
}

void print_link(const json& link) {
    fmt::print(
        "  link with {}: {}{}\n", safe(link.value("peer", "")), link.value("state", ""),
        link.value("path_changes", 0) > 0 ? fmt::format(", {} path changes", link.value("path_changes", 0)) : "");
    Table table({"    PATH", "LOCAL", "REMOTE", "RTT", "SENT", "RECEIVED", "DETAIL"});
    for (const auto& path : link["paths"]) {
        table.add({fmt::format("  {} {}", path.value("active", false) ? "*" : " ", path.value("kind", "")),
                   safe(path.value("local_address", "")), safe(path.value("remote_address", "")),
                   path.value("active", false) ? rtt_text(link["rtt_us"]) : rtt_text(path["rtt_us"]),
                   bytes_text(path.value("bytes_sent", 0ULL)), bytes_text(path.value("bytes_received", 0ULL)),
                   safe(path.value("detail", ""))});
    }
    if (!table.empty()) table.print(stdout);
    if (link.value("largest_datagram", 0ULL) > 0 && !link["paths"].empty()) {
        fmt::print("    datagrams up to {} bytes, up to {} in one packet\n", link.value("largest_datagram", 0ULL),
                   link.value("packet_datagram", 0ULL));
    }
    const auto why = link.value("why_relayed", "");
    if (!why.empty()) fmt::print("    relayed because {}\n", safe(why));
}

void print_flows(const json& status) {
    Table table({"  DATAGRAMS", "FLOWS", "SENT", "RECEIVED", "DROPPED", "MISSED"});
    const auto number = [](const json& tube, const char* name) { return std::to_string(tube.value(name, 0ULL)); };
    for (const auto& tube : status["tubes"]) {
        if (tube.value("kind", "") != to_string(TubeKind::datagram)) continue;
        table.add({"  " + safe(tube.value("service", "")), number(tube, "streams"), number(tube, "datagrams_sent"),
                   number(tube, "datagrams_received"), number(tube, "datagrams_dropped"),
                   number(tube, "datagrams_missed")});
    }
    if (!table.empty()) table.print(stdout);
}

void print_tubes(const json& status, bool phases) {
    Table table({"  TUBE", "WITH", "DIRECTION", "STATE", "CONNECTIONS", "SENT", "RECEIVED"});
    for (const auto& tube : status["tubes"]) {
        table.add({"  " + safe(tube.value("service", "")), safe(tube.value("peer", "")),
                   tube.value("incoming", false) ? "shared" : "used", tube.value("state", ""),
                   std::to_string(tube.value("streams", 0)), bytes_text(tube.value("bytes_sent", 0ULL)),
                   bytes_text(tube.value("bytes_received", 0ULL))});
    }
    if (!table.empty()) table.print(stdout);
    print_flows(status);
    for (const auto& tube : status["tubes"]) {
        if (!phases) break;
        std::string line;
        for (const auto& phase : tube["phases"]) {
            line += fmt::format("{}{} {}", line.empty() ? "" : ", ", safe(phase.value("name", "")),
                                duration_text(std::chrono::microseconds(phase.value("at_us", 0LL))));
        }
        fmt::print("  set-up of {}: {}\n", safe(tube.value("service", "")), line);
    }
}

void print_process(const ControlReply& reply, bool phases) {
    const auto& status = reply.body["status"];
    fmt::print("tube {} (process {})\n", safe(reply.body.value("purpose", "")), reply.process);
    print_accounts(status);
    for (const auto& share : status["shares"]) {
        const auto audience = share["audience"].empty() ? std::string("this user") : safe(share["audience"].dump());
        fmt::print("  shares {} as {} with {} ({})\n", safe(share.value("target", "")),
                   safe(share.value("service", "")), audience, share.value("policy", ""));
    }
    for (const auto& link : status["links"]) print_link(link);
    print_tubes(status, phases);
}

asio::awaitable<int> run_status(Session& session, StatusArguments arguments) {
    json request = {{"command", "status"}};
    auto replies = co_await ask_all(session, std::move(request));
    if (session.options().json) {
        auto list = json::array();
        for (auto& reply : replies) {
            json entry = {{"process", reply.process}, {"purpose", reply.body.value("purpose", "")}};
            if (reply.body.contains("status")) entry.update(reply.body["status"]);
            list.push_back(std::move(entry));
        }
        print_json(list);
        co_return kSuccess;
    }
    if (replies.empty()) session.say("No tube process runs in this profile.");
    for (const auto& reply : replies) {
        if (reply.body.value("ok", false)) print_process(reply, arguments.phases);
    }
    co_return kSuccess;
}

}  // namespace

void add_status_command(CLI::App& app, Action& selected) {
    auto [command, arguments] = make_command<StatusArguments>(
        app, selected, "status", "Links, paths, round trips and bytes of what runs now", run_status);
    command->add_flag("--phases", arguments->phases, "Also the steps of each tube's set-up, with times");
    command->footer("Example:\n  tube status --json | jq '.[].links[].paths[] | select(.active).kind'");
}

}  // namespace tubes::cli
