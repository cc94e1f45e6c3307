// SPDX-License-Identifier: GPL-3.0-or-later
// Waiting for a contact that is expected online.
#include "tubes/cli/waiting.hpp"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

bool is_reachable(const ContactInfo& each, const std::string& contact) {
    const auto& wanted = contact.empty() ? std::string("local") : contact;
    return each.address == wanted &&
           std::any_of(each.peers.begin(), each.peers.end(), [](const PeerInfo& peer) { return peer.speaks_tubes; });
}

}  // namespace

asio::awaitable<bool> wait_for_contact(Session& session, std::string contact,
                                       std::chrono::steady_clock::time_point deadline) {
    using namespace asio::experimental::awaitable_operators;
    auto events = session.node().events();
    auto [error, contacts] = co_await session.node().async_contacts(kTuple);
    if (error) co_return false;
    for (const auto& each : contacts) {
        if (is_reachable(each, contact)) co_return true;
    }
    asio::steady_timer timer(session.context(), deadline);
    for (;;) {
        auto outcome = co_await (events.async_next(kTuple) || timer.async_wait(kTuple));
        if (outcome.index() != 0) co_return false;
        auto& next = std::get<0>(outcome);
        if (std::get<0>(next)) co_return false;
        const auto* changed = std::get_if<ContactChanged>(&std::get<1>(next));
        if (changed != nullptr && is_reachable(changed->contact, contact)) co_return true;
    }
}

asio::awaitable<TubeKind> find_service_kind(Session& session, std::string contact, std::string service,
                                            TubeKind wanted) {
    auto [error, services] = co_await session.node().async_services(contact, kTuple);
    if (error) co_return wanted;
    const auto found = std::find_if(services.begin(), services.end(),
                                    [&service](const OfferedService& each) { return each.service == service; });
    co_return found == services.end() ? wanted : found->kind;
}

}  // namespace tubes::cli
