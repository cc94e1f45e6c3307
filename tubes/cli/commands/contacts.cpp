// SPDX-License-Identifier: GPL-3.0-or-later
// `tube contacts`: who is there, on which devices, with which services for me.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kSettleHere{250};  // for nodes on this machine to say who they are
constexpr std::chrono::milliseconds kSettle{1500};     // presence and capabilities arrive after the log-in

struct ContactsArguments {
    std::string add;
    std::string remove;
    std::string allow;
    std::string deny;
};

/// Contacts with their services by peer.
struct Entry {
    ContactInfo contact;
    std::vector<OfferedService> services;
};

asio::awaitable<std::vector<Entry>> gather(Session& session) {
    std::vector<Entry> entries;
    auto [error, contacts] = co_await session.node().async_contacts(kTuple);
    if (error) co_return entries;
    for (auto& contact : contacts) {
        Entry entry;
        const bool asks = std::any_of(contact.peers.begin(), contact.peers.end(),
                                      [](const PeerInfo& peer) { return peer.speaks_tubes; });
        if (asks) {
            auto [service_error, services] = co_await session.node().async_services(contact.address, kTuple);
            if (!service_error) entry.services = std::move(services);
        }
        entry.contact = std::move(contact);
        entries.push_back(std::move(entry));
    }
    co_return entries;
}

std::string services_of(const Entry& entry, const std::string& peer) {
    std::string text;
    for (const auto& service : entry.services) {
        if (service.peer == peer) text += (text.empty() ? "" : ", ") + safe(service.service);
    }
    return text;
}

void print_table(const std::vector<Entry>& entries) {
    Table table({"CONTACT", "PRESENCE", "DEVICE", "SERVICES FOR YOU"});
    for (const auto& entry : entries) {
        const auto& contact = entry.contact;
        auto name = contact.is_self && contact.address == "local" ? "you, on this machine" : safe(contact.address);
        if (contact.peers.empty()) {
            const bool mutual = contact.subscription == "both" || contact.is_self;
            table.add({name, mutual ? "offline" : "not mutual yet", "", ""});
        }
        for (const auto& peer : contact.peers) {
            const auto services = peer.speaks_tubes ? services_of(entry, peer.address) : "(no tubes)";
            table.add({name, safe(peer.presence), safe(peer.address), services});
            name.clear();
        }
    }
    table.print(stdout);
    if (table.empty()) fmt::print(stderr, "No contacts yet: `tube contacts --add user@server`.\n");
}

nlohmann::json entries_json(const std::vector<Entry>& entries) {
    auto list = nlohmann::json::array();
    for (const auto& entry : entries) {
        auto object = to_json(entry.contact);
        object["services"] = list_json(entry.services);
        list.push_back(std::move(object));
    }
    return list;
}

/// --add, --remove, --allow and --deny; not_found if none was given.
asio::awaitable<error_code> change(Session& session, ContactsArguments arguments) {
    auto& node = session.node();
    if (!arguments.add.empty()) {
        auto [error] = co_await node.async_add_contact(arguments.add, kTuple);
        co_return error;
    }
    if (!arguments.remove.empty()) {
        auto [error] = co_await node.async_remove_contact(arguments.remove, kTuple);
        co_return error;
    }
    const bool allow = !arguments.allow.empty();
    auto [error] = co_await node.async_answer_contact(allow ? arguments.allow : arguments.deny, allow, kTuple);
    co_return error;
}

asio::awaitable<int> run_contacts(Session& session, ContactsArguments arguments) {
    if (!session.open(true)) co_return session.exit_code();
    const auto accounts = co_await session.accounts_ready();
    const auto named = arguments.add + arguments.remove + arguments.allow + arguments.deny;
    if (!named.empty()) {
        const auto error = co_await change(session, arguments);
        if (error) co_return session.fail("cannot change " + safe(named), error);
        session.say(fmt::format("{}: done", safe(named)));
        co_return kSuccess;
    }
    const bool remote = std::any_of(accounts.begin(), accounts.end(), [](const AccountInfo& account) {
        return account.state == AccountState::online && account.protocol != "local";
    });
    asio::steady_timer settle(session.context(), remote ? kSettle : kSettleHere);
    co_await settle.async_wait(kTuple);
    const auto entries = co_await gather(session);
    if (session.options().json) {
        print_json(entries_json(entries));
    } else {
        print_table(entries);
    }
    co_return kSuccess;
}

}  // namespace

void add_contacts_command(CLI::App& app, Action& selected) {
    auto [command, arguments] = make_command<ContactsArguments>(
        app, selected, "contacts", "Who is there, on which devices, with which services for you", run_contacts);
    auto* group = command->add_option_group("changes", "Change the contact list");
    group->add_option("--add", arguments->add, "Ask a person to let you two see each other")->type_name("CONTACT");
    group->add_option("--remove", arguments->remove, "Remove a person; their tubes close")->type_name("CONTACT");
    group->add_option("--allow", arguments->allow, "Let a person see when you are online")->type_name("CONTACT");
    group->add_option("--deny", arguments->deny, "Refuse that")->type_name("CONTACT");
    group->require_option(0, 1);
}

}  // namespace tubes::cli
