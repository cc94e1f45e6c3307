// SPDX-License-Identifier: GPL-3.0-or-later
// Resolution of names, the contact list, and round trips.
#include "tubes/engine/contacts.hpp"

#include "presence/local/local_connection.hpp"
#include "tubes/engine/accounts.hpp"
#include "tubes/engine/convert.hpp"
#include "tubes/engine/engine.hpp"

namespace tubes::engine {
namespace {

using core::ContactAddress;

constexpr std::chrono::milliseconds kServicesDeadline{10000};

bool is_on_list(const core::ports::Connection& connection, const ContactAddress& contact) {
    const auto list = connection.contacts();
    return std::any_of(list.begin(), list.end(), [&](const auto& known) { return known.address == contact; });
}

}  // namespace

result<Resolved> Contacts::resolve(const std::string& contact, const std::string& account) const {
    if (contact.empty())
        return Resolved{std::string(presence::local::kSelf), {std::string(presence::local::kSelf)}, true};
    if (!account.empty() && !engine_.accounts().find(account)) return make_error_code(Errc::not_found);
    std::optional<Resolved> best;
    bool has_server_account = false;
    for (const auto& name : engine_.accounts().names()) {
        if (!account.empty() && name != account) continue;
        has_server_account = has_server_account || name != presence::local::kSelf;
        const auto* connection = engine_.broker().connection(name);
        if (!connection) continue;
        const auto parsed = connection->parse_contact(contact);
        if (!parsed) continue;
        const bool is_listed = is_on_list(*connection, *parsed);
        if (!best || (is_listed && !best->is_listed)) best = Resolved{name, *parsed, is_listed};
    }
    if (best) return *best;
    return make_error_code(has_server_account ? Errc::invalid_argument : Errc::not_connected);
}

void Contacts::list(CompletionPointer<std::vector<ContactInfo>> done) const {
    std::vector<ContactInfo> all;
    for (const auto& name : engine_.accounts().names()) {
        const auto* connection = engine_.broker().connection(name);
        if (!connection) continue;
        for (const auto& contact : connection->contacts()) all.push_back(to_info(name, contact));
    }
    done->succeed(std::move(all));
}

void Contacts::services(const std::string& contact, CompletionPointer<std::vector<OfferedService>> done) {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    engine_.broker().query_services(
        who->account, who->contact, kServicesDeadline,
        [done, engine = engine_.weak_from_this()](result<std::vector<core::Broker::PeerServices>> found) {
            auto alive = engine.lock();
            if (!alive) return;
            if (!found) return done->fail(found.error());
            std::vector<OfferedService> services;
            for (const auto& peer : *found) {
                const auto device = device_name(peer.identity, alive->crypto());
                for (const auto& service : peer.services) {
                    services.push_back({peer.peer.value, device, service.name, service.kind, service.parameters});
                }
            }
            done->succeed(std::move(services));
        });
}

void Contacts::add(const std::string& contact, CompletionPointer<> done) {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    auto* connection = engine_.broker().connection(who->account);
    if (!connection) return done->fail(Errc::not_connected);
    const auto asked = connection->request_subscription(who->contact);
    done->finish(asked ? error_code() : asked.error());
}

void Contacts::answer(const std::string& contact, bool allow, CompletionPointer<> done) {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    auto* connection = engine_.broker().connection(who->account);
    if (!connection) return done->fail(Errc::not_connected);
    const auto answered = connection->answer_subscription(who->contact, allow);
    done->finish(answered ? error_code() : answered.error());
}

void Contacts::remove(const std::string& contact, CompletionPointer<> done) {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    auto* connection = engine_.broker().connection(who->account);
    if (!connection) return done->fail(Errc::not_connected);
    const auto removed = connection->remove_contact(who->contact);
    if (!removed) return done->fail(removed.error());
    for (const auto& tube : engine_.broker().tubes()) {
        const bool is_theirs = tube.account == who->account && tube.peer.contact == who->contact;
        if (is_theirs) engine_.broker().close_tube(tube.id, Errc::refused);
    }
    done->succeed();
}

void Contacts::ping(const std::string& contact, std::chrono::milliseconds deadline,
                    CompletionPointer<std::vector<PingInfo>> done) {
    const auto who = resolve(contact);
    if (!who) return done->fail(who.error());
    engine_.broker().ping(who->account, who->contact, deadline,
                          [done](result<std::vector<core::Broker::PingResult>> found) {
                              if (!found) return done->fail(found.error());
                              std::vector<PingInfo> list;
                              for (const auto& one : *found) {
                                  PingInfo info;
                                  info.peer = one.peer.value;
                                  info.rtt = one.rtt;
                                  if (one.path) info.path = to_info(*one.path);
                                  list.push_back(std::move(info));
                              }
                              done->succeed(std::move(list));
                          });
}

}  // namespace tubes::engine
