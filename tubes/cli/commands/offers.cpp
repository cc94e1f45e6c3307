// SPDX-License-Identifier: GPL-3.0-or-later
// `tube offers`, `accept`, `reject` and `policy`: what others offer or ask for, and standing decisions.
#include <fmt/format.h>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/control.hpp"
#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr const char* kNobodyListens = "no `tube serve` or `tube share` runs in this profile";

struct OffersArguments {};
struct AcceptArguments {
    std::string id;
    std::string listen;
    bool allow_remote = false;
};
struct RejectArguments {
    std::string id;
};
struct PolicyArguments {
    std::string policy;
    std::string contact;
    std::string service;
};

asio::awaitable<int> run_offers(Session& session, OffersArguments) {
    json request = {{"command", "status"}};
    auto replies = co_await ask_all(session, std::move(request));
    auto all = json::array();
    Table table({"ID", "FROM", "WHAT", "SERVICE", "KEY", "EXPIRES"});
    for (const auto& reply : replies) {
        if (!reply.body.value("ok", false)) continue;
        for (const auto& pending : reply.body["status"]["pending"]) {
            all.push_back(pending);
            table.add({safe(pending.value("id", "")), safe(pending.value("peer", "")),
                       pending.value("is_offer", false) ? "offers" : "asks for", safe(pending.value("service", "")),
                       safe(pending.value("key", "")), fmt::format("{} s", pending.value("expires_in_s", 0))});
        }
    }
    if (session.options().json) {
        print_json(all);
        co_return kSuccess;
    }
    if (replies.empty()) co_return session.fail("no offers", make_error_code(Errc::offline), kNobodyListens);
    if (table.empty()) {
        session.say("Nothing waits for an answer.");
    } else {
        table.print(stdout);
    }
    co_return kSuccess;
}

/// Finds the process that knows the id; tells the user what it answered.
asio::awaitable<int> answer(Session& session, json request, std::string what) {
    const auto id = safe(request.value("id", ""));
    auto replies = co_await ask_all(session, std::move(request));
    if (replies.empty()) co_return session.fail(what + id, make_error_code(Errc::offline), kNobodyListens);
    error_code error = make_error_code(Errc::not_found);
    for (const auto& reply : replies) {
        const auto said = error_of(reply.body);
        if (!said) {
            if (session.options().json) print_json(reply.body);
            const auto at = reply.body.value("listening", "");
            if (!at.empty())
                session.say(
                    fmt::format("It is at {} as long as `tube serve` (process {}) runs.", safe(at), reply.process));
            co_return kSuccess;
        }
        if (said != Errc::not_found && said != Errc::unsupported) error = said;
    }
    co_return session.fail(what + id, error);
}

asio::awaitable<int> run_accept(Session& session, AcceptArguments arguments) {
    json request = {{"command", "accept"}, {"id", arguments.id}, {"listen", arguments.listen}};
    request["allow_remote"] = arguments.allow_remote;
    co_return co_await answer(session, std::move(request), "cannot accept ");
}

asio::awaitable<int> run_reject(Session& session, RejectArguments arguments) {
    json request = {{"command", "reject"}, {"id", arguments.id}};
    co_return co_await answer(session, std::move(request), "cannot reject ");
}

asio::awaitable<int> run_policy(Session& session, PolicyArguments arguments) {
    if (!session.open(true)) co_return session.exit_code();
    auto policy = Policy::ask;
    if (arguments.policy == "always") policy = Policy::always;
    if (arguments.policy == "never") policy = Policy::never;
    auto [error] = co_await session.node().async_set_policy(arguments.contact, arguments.service, policy, kTuple);
    if (error) co_return session.fail("cannot set the policy for " + safe(arguments.contact), error);
    session.say(fmt::format("{}: {} for {}", safe(arguments.contact), arguments.policy,
                            arguments.service.empty() ? "every service" : safe(arguments.service)));
    co_return kSuccess;
}

}  // namespace

void add_offers_command(CLI::App& app, Action& selected) {
    make_command<OffersArguments>(app, selected, "offers", "What others offer or ask for", run_offers);
}

void add_accept_command(CLI::App& app, Action& selected) {
    auto [command, arguments] =
        make_command<AcceptArguments>(app, selected, "accept", "Accept an offer or a request", run_accept);
    command->add_option("ID", arguments->id, "As `tube offers` prints it")->required();
    command->add_option("--listen", arguments->listen, "For an offer: where programs connect (default: any free port)")
        ->type_name("WHERE");
    command->add_flag("--allow-remote", arguments->allow_remote, "Permit --listen on an address that others can reach");
}

void add_reject_command(CLI::App& app, Action& selected) {
    auto [command, arguments] =
        make_command<RejectArguments>(app, selected, "reject", "Reject an offer or a request", run_reject);
    command->add_option("ID", arguments->id, "As `tube offers` prints it")->required();
}

void add_policy_command(CLI::App& app, Action& selected) {
    auto [command, arguments] =
        make_command<PolicyArguments>(app, selected, "policy", "Decide once for a contact and a service", run_policy);
    command->add_option("POLICY", arguments->policy, "ask, always or never")
        ->required()
        ->check(CLI::IsMember({"ask", "always", "never"}));
    command->add_option("CONTACT", arguments->contact, "For whom")->required();
    command->add_option("SERVICE", arguments->service, "For which service; default: all of them");
    command->footer("Examples:\n  tube policy always bob@example.org ssh\n  tube policy never mallory@example.org");
}

}  // namespace tubes::cli
