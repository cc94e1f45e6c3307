// SPDX-License-Identifier: GPL-3.0-or-later
// Events in words, and questions about requests.
#include "tubes/cli/narrator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tubes/cli/output.hpp"

namespace tubes::cli {

namespace asio = boost::asio;

asio::awaitable<void> Narrator::follow(std::shared_ptr<Narrator> self) {
    auto events = self->session_.node().events();
    for (;;) {
        auto [error, event] = co_await events.async_next(kTuple);
        if (error) co_return;
        self->tell(event);
        if (self->watch_) self->watch_(event);
    }
}

void Narrator::tell(const Event& event) {
    if (const auto* opened = std::get_if<TubeOpened>(&event)) {
        const auto& tube = opened->tube;
        tubes_[tube.id] = tube;
        if (tube.incoming) session_.say(fmt::format("{} uses {}", safe(tube.peer), safe(tube.service)));
    } else if (const auto* closed = std::get_if<TubeClosed>(&event)) {
        const auto tube = tubes_.extract(closed->id);
        if (!tube.empty() && tube.mapped().incoming) {
            session_.say(fmt::format("{} stopped using {}", safe(tube.mapped().peer), safe(tube.mapped().service)));
        }
    } else if (const auto* link = std::get_if<LinkChanged>(&event)) {
        tell_link(link->link);
    } else if (const auto* account = std::get_if<AccountChanged>(&event)) {
        tell_account(account->account);
    } else if (const auto* pending = std::get_if<RequestPending>(&event)) {
        want_answer(pending->request);
    } else if (const auto* ended = std::get_if<RequestEnded>(&event)) {
        std::erase_if(questions_, [ended](const PendingInfo& each) { return each.id == ended->id; });
    } else if (const auto* key = std::get_if<KeyChanged>(&event)) {
        session_.say(
            fmt::format("WARNING: {} shows a key that is not known here (device {}). "
                        "Compare it with `tube verify {}` before you accept anything.",
                        safe(key->contact), short_device(key->device), safe(key->contact)));
    } else if (const auto* failed = std::get_if<TargetFailed>(&event)) {
        session_.say(fmt::format("{}: cannot reach {}: {}", safe(failed->service), safe(failed->target),
                                 failed->reason.message()));
    } else if (const auto* large = std::get_if<DatagramTooLarge>(&event)) {
        session_.say(fmt::format("{}: dropped a datagram of {} bytes; the tube carries at most {}",
                                 safe(large->service), large->size, large->largest));
    } else if (const auto* offer = std::get_if<OfferEnded>(&event)) {
        session_.say(fmt::format("the offer is over: {}", make_error_code(offer->reason).message()));
    } else if (const auto* request = std::get_if<SubscriptionRequested>(&event)) {
        asio::co_spawn(session_.context(), answer_subscription(shared_from_this(), *request), asio::detached);
    }
}

void Narrator::tell_link(const LinkInfo& link) {
    const auto* path = active_path(link);
    std::string text = path != nullptr ? path_text(*path) : link.state;
    if (path != nullptr && !link.why_relayed.empty()) text += fmt::format(" (relayed: {})", safe(link.why_relayed));
    // Round trips change all the time; only another path is news.
    const auto key = path != nullptr ? fmt::format("{} {}", to_string(path->kind), path->remote_address) : link.state;
    auto& told = told_paths_[link.id];
    if (told == key || link.state == "connecting") return;
    told = key;
    if (link.state == "closed") {
        told_paths_.erase(link.id);
        return;
    }
    session_.say(fmt::format("{}: {}", safe(link.peer), link.state == "stalled" ? "no path, reconnecting" : text));
}

void Narrator::tell_account(const AccountInfo& account) {
    const auto found = told_states_.find(account.name);
    const auto before = found == told_states_.end() ? AccountState::connecting : found->second;
    if (before == account.state) return;
    told_states_[account.name] = account.state;
    if (account.state == AccountState::reconnecting) {
        const auto why = account.detail.empty() ? account.reason.message() : account.detail;
        session_.say(fmt::format("{}: connection lost ({}), trying again", safe(account.name), safe(why)));
    } else if (before == AccountState::reconnecting && account.state == AccountState::online) {
        session_.say(fmt::format("{}: online again", safe(account.name)));
    }
}

void Narrator::want_answer(const PendingInfo& pending) {
    questions_.push_back(pending);
    if (!can_ask()) {
        session_.say(fmt::format("{} {} {}: answer with `tube accept {}` or `tube reject {}`", safe(pending.peer),
                                 pending.is_offer ? "offers" : "asks to use", safe(pending.service), pending.id,
                                 pending.id));
        questions_.pop_back();
        return;
    }
    if (asking_) return;
    asking_ = true;
    asio::co_spawn(session_.context(), ask_pending(shared_from_this()), asio::detached);
}

asio::awaitable<void> Narrator::ask_pending(std::shared_ptr<Narrator> self) {
    if (!self->terminal_) self->terminal_ = std::make_unique<Questions>(self->session_.context().get_executor());
    while (!self->questions_.empty()) {
        auto pending = self->questions_.front();
        co_await self->ask_one(pending);
        std::erase_if(self->questions_, [&pending](const PendingInfo& each) { return each.id == pending.id; });
    }
    self->asking_ = false;
}

asio::awaitable<void> Narrator::ask_one(PendingInfo pending) {
    std::string key = "";
    if (pending.standing == KeyStanding::first) key = " for the first time";
    if (pending.standing == KeyStanding::new_key) key = " WITH A NEW KEY";
    auto question = fmt::format("{} (device {}) {} {}{}. Allow? [y]es, [a]lways, [N]o", safe(pending.peer),
                                short_device(pending.device), pending.is_offer ? "offers" : "asks to use",
                                safe(pending.service), key);
    if (pending.device.empty()) {
        question = fmt::format(
            "{} (a WebRTC program: only the account says who it is) asks to use {}. "
            "Allow? [y]es, [N]o",
            safe(pending.peer), safe(pending.service));
    }
    const char answer = co_await terminal_->ask(std::move(question));
    const bool accept = answer == 'y' || answer == 'a';
    auto& node = session_.node();
    if (answer == 'a' && !pending.device.empty()) {
        auto [policy_error] = co_await node.async_set_policy(pending.contact, pending.service, Policy::always, kTuple);
        if (policy_error) session_.fail("cannot keep that decision", policy_error);
    }
    auto [error] = co_await node.async_answer(pending.id, accept, kTuple);
    if (error) session_.fail("too late", error);
}

asio::awaitable<void> Narrator::answer_subscription(std::shared_ptr<Narrator> self, SubscriptionRequested request) {
    if (!self->expected_.contains(request.contact)) {
        self->session_.say(fmt::format("{} asks to see when you are online: `tube contacts --allow {}`",
                                       safe(request.contact), safe(request.contact)));
        co_return;
    }
    auto [error] = co_await self->session_.node().async_answer_contact(request.contact, true, kTuple);
    if (error) self->session_.fail("cannot answer " + safe(request.contact), error);
}

asio::awaitable<void> ensure_contact(Session& session, std::string contact) {
    auto [error, contacts] = co_await session.node().async_contacts(kTuple);
    if (error) co_return;
    const bool known = std::any_of(contacts.begin(), contacts.end(), [&contact](const ContactInfo& each) {
        return each.address == contact && (each.subscription == "both" || each.is_self);
    });
    if (known) co_return;
    auto [added] = co_await session.node().async_add_contact(contact, kTuple);
    if (added) {
        session.fail("cannot add " + safe(contact) + " to the contacts", added);
    } else {
        session.say(fmt::format("Asked {} to let you two see when the other is online.", safe(contact)));
    }
}

}  // namespace tubes::cli
