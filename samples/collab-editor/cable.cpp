// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/cable.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "samples/collab-editor/names.hpp"
#include "samples/collab-editor/talk.hpp"

namespace editor {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;

namespace {

constexpr auto kRetryAfter = std::chrono::milliseconds(500);
constexpr auto kRetryAtLeastEvery = std::chrono::milliseconds(4000);
constexpr auto kLoginPatience = std::chrono::seconds(30);
constexpr auto kOfferLifetime = std::chrono::hours(24);  // the invited may come online later that day
constexpr std::size_t kMaxInvitations = 64;              // shares and offers of one run

}  // namespace

Cable::Cable(tubes::Node node, Document& document, CableOptions options)
    : node_(std::move(node)), document_(document), options_(std::move(options)), lookout_(node_) {}

void Cable::open(const std::string& title) {
    options_.title = title;
    service_ = service_for(title);
    memory_file_ = options_.open_document(title);
    memory_ = Memory::load(memory_file_);
}

void Cable::remember() {
    if (const auto stored = memory_.store(memory_file_); !stored) problem_ = stored.error().message();
}

asio::awaitable<void> Cable::pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(node_.get_executor(), time);
    boost::system::error_code failure;
    co_await timer.async_wait(redirect_error(use_awaitable, failure));
}

asio::awaitable<void> Cable::run() {
    if (!options_.title.empty()) open(options_.title);
    if (options_.room.empty()) options_.room = memory_.room;
    if (!options_.room.empty()) asio::co_spawn(node_.get_executor(), enter_room(), asio::detached);
    if (service_.empty()) co_return;  // an invitation, or a click on what somebody shares, opens it
    if (!options_.is_sharing) {
        if (!options_.contacts.empty()) memory_.from = options_.contacts.front(), memory_.service.clear();
        memory_.room = options_.room;
        remember();
        co_return co_await join();
    }
    for (const auto& contact : memory_.invited) {
        asio::co_spawn(node_.get_executor(), share_with_invited(contact), asio::detached);
    }
    for (const auto& contact : options_.contacts) invite(contact);
    if (options_.room.empty()) co_await share();
}

// The tube, sharing: the service's name, who may use it, and each stream that somebody opens.
asio::awaitable<void> Cable::share() {
    tubes::ShareOptions options;
    options.service = service_;
    options.audience = options_.contacts;
    options.policy = tubes::Policy::always;
    tubes::Share share = co_await node_.async_share(std::move(options), use_awaitable);
    co_await accept(std::make_shared<tubes::Share>(std::move(share)));
}

asio::awaitable<void> Cable::accept(std::shared_ptr<tubes::Share> share) {
    for (;;) {
        boost::system::error_code failure;
        tubes::Stream stream = co_await share->async_accept(redirect_error(use_awaitable, failure));
        if (failure) co_return;
        asio::co_spawn(node_.get_executor(), talk(document_, std::move(stream)), asio::detached);
    }
}

// The tube, joining: connect, open a stream, talk; and again when it ended.
asio::awaitable<void> Cable::join() {
    auto wait = kRetryAfter;
    for (;;) {
        boost::system::error_code failure;
        tubes::Tube tube = co_await connect(failure);
        if (failure == tubes::Errc::cancelled) co_return;
        const bool is_outside = !options_.room.empty() && !room_;  // which has words of its own
        if (!is_outside) problem_ = failure ? words_for_failure(failure) : "";
        if (!failure) {
            tubes::Stream stream = co_await tube.async_open_stream(redirect_error(use_awaitable, failure));
            if (!failure) co_await talk(document_, std::move(stream));
        }
        wait = failure ? std::min(wait * 2, kRetryAtLeastEvery) : kRetryAfter;
        co_await pause(wait);
    }
}

asio::awaitable<tubes::Tube> Cable::connect(Failure& failure) {
    if (!options_.room.empty()) co_return co_await connect_in_room(failure);
    tubes::ConnectOptions options;
    options.service = co_await find_service();
    options.contact = memory_.from;
    co_return co_await node_.async_connect(std::move(options), redirect_error(use_awaitable, failure));
}

/// Who was invited uses the share that is for them alone, of which nobody is asked again.
asio::awaitable<std::string> Cable::find_service() {
    if (!memory_.service.empty() || memory_.from.empty()) {
        co_return memory_.service.empty() ? service_ : memory_.service;
    }
    boost::system::error_code failure;
    const std::vector<tubes::OfferedService> services =
        co_await node_.async_services(memory_.from, redirect_error(use_awaitable, failure));
    for (const auto& offered : services) {
        if (is_invited_service(offered.service) && title_of(offered.service) == options_.title) {
            co_return offered.service;
        }
    }
    co_return service_;
}

void Cable::invite(std::string contact) {
    if (!options_.is_sharing || invitations_.size() >= kMaxInvitations) return;
    auto& invited = memory_.invited;
    if (std::find(invited.begin(), invited.end(), contact) == invited.end()) {
        invited.push_back(contact);
        remember();
        asio::co_spawn(node_.get_executor(), share_with_invited(contact), asio::detached);
    }
    asio::co_spawn(node_.get_executor(), offer(std::move(contact)), asio::detached);
}

/// Who was invited comes back without being asked.
asio::awaitable<void> Cable::share_with_invited(std::string contact) {
    tubes::ShareOptions options;
    options.service = invited_service(options_.title, contact);
    if (contact != "local") options.audience = {contact};
    options.policy = tubes::Policy::always;
    options.trust_first_key = true;
    boost::system::error_code failure;
    tubes::Share made = co_await node_.async_share(std::move(options), redirect_error(use_awaitable, failure));
    if (failure) problem_ = "cannot share with " + contact + ": " + failure.message();
    if (failure) co_return;
    invitations_.push_back(std::make_shared<tubes::Share>(std::move(made)));
    co_await accept(invitations_.back());
}

asio::awaitable<void> Cable::offer(std::string contact) {
    boost::system::error_code failure;
    co_await node_.async_wait_accounts(kLoginPatience, redirect_error(use_awaitable, failure));
    tubes::OfferOptions options;
    options.contact = contact;
    options.service = invited_service(options_.title, contact);
    options.lifetime = kOfferLifetime;
    tubes::Share made = co_await node_.async_offer(std::move(options), redirect_error(use_awaitable, failure));
    problem_ = failure ? "cannot invite " + contact + ": " + failure.message() : "";
    if (failure) co_return;
    invitations_.push_back(std::make_shared<tubes::Share>(std::move(made)));
    co_await accept(invitations_.back());
}

void Cable::answer(std::string id, bool accept) {
    if (accept && !options_.is_sharing) {
        asio::co_spawn(node_.get_executor(), accept_offer(std::move(id)), asio::detached);
    } else {
        node_.async_answer(std::move(id), accept, asio::detached);
    }
}

bool Cable::adopt(const std::string& service, const std::string& from) {
    try {
        open(title_of(service));
    } catch (const std::exception& error) {
        problem_ = error.what();
        return false;
    }
    memory_.from = from;
    memory_.service = service;
    memory_.room = options_.room;
    remember();
    return true;
}

/// The offer's tube says that the invitation is accepted; the share of the same name is what stays.
asio::awaitable<void> Cable::accept_offer(std::string id) {
    boost::system::error_code failure;
    tubes::Tube tube = co_await node_.async_accept_offer(std::move(id), redirect_error(use_awaitable, failure));
    problem_ = failure ? "the invitation is not valid any more: " + failure.message() : "";
    if (failure || !service_.empty()) co_return;
    const tubes::TubeInfo info = tube.info();
    tube.close();
    leave_room();
    if (adopt(info.service, info.contact)) co_await join();
}

void Cable::join_shared(const std::string& person, const std::string& service) {
    const auto& people = lookout_.people();
    const auto found = std::find_if(people.begin(), people.end(), [&](const Person& each) {
        return each.address == person && lookout_.shares(person, service);
    });
    if (found == people.end()) return;
    if (!service_.empty()) {
        const std::string whose = person == "local" ? "" : person;
        std::vector<std::string> arguments{"--join", title_of(service)};
        if (!whose.empty()) arguments.insert(arguments.end(), {"--from", whose});
        if (found->in_room) arguments.insert(arguments.end(), {"--room", options_.room});
        return options_.start_editor(arguments);
    }
    if (!found->in_room) leave_room();
    if (adopt(service, person)) asio::co_spawn(node_.get_executor(), join(), asio::detached);
}

}  // namespace editor
