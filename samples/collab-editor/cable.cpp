// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/cable.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "samples/collab-editor/framing.hpp"

namespace editor {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;

namespace {

constexpr auto kRetryAfter = std::chrono::milliseconds(500);
constexpr auto kReportEvery = std::chrono::seconds(1);
constexpr std::size_t kMaxInvitations = 64;  // shares and offers of one run
constexpr std::size_t kMaxWords = 8;         // people whose connection is described

const std::string kServices = "org.tubes.editor.";
/// Who is invited from the page has a share of their own, which outlives the one tube of the offer.
const std::string kInvitedMark = ".invited-";

std::string invited_service(const std::string& service, const std::string& contact) {
    std::uint32_t hash = 2166136261;  // FNV-1a: a name, not a secret
    for (const unsigned char byte : contact) hash = (hash ^ byte) * 16777619;
    return service + kInvitedMark + std::to_string(hash);
}

std::string title_of(const std::string& service) {
    const std::string title = service.substr(std::min(service.size(), kServices.size()));
    return title.substr(0, title.rfind(kInvitedMark));
}

/// One copy of the document at the other end of a stream, until either side ends it.
asio::awaitable<void> talk(Document& document, tubes::Stream opened) {
    const auto executor = co_await asio::this_coro::executor;
    auto stream = std::make_shared<tubes::Stream>(std::move(opened));
    auto member = std::make_shared<Member>(executor, MemberKind::peer);
    member->deliver(make_message(MessageType::hello, std::string(1, static_cast<char>(kProtocolVersion))));
    asio::co_spawn(executor, write_messages(stream, member), asio::detached);
    asio::steady_timer pause(executor);
    const auto hello = co_await read_message(stream, Sender::peer);
    if (hello && hello->type == MessageType::hello && !hello->body->empty() &&
        static_cast<std::uint8_t>(hello->body->front()) == kProtocolVersion) {
        document.add(member);
        for (;;) {
            const auto message = co_await read_message(stream, Sender::peer);
            if (!message || !document.take(member, *message)) break;
            const auto delay = member->pause_after(message->size());
            if (delay.count() == 0) continue;
            pause.expires_after(delay);
            boost::system::error_code failure;
            co_await pause.async_wait(redirect_error(use_awaitable, failure));
        }
    }
    document.remove(member);
}

std::string words_for_path(const tubes::LinkInfo& link) {
    const std::string who = link.contact.empty() || link.account == "local" ? "your other program" : link.contact;
    for (const auto& path : link.paths) {
        if (!path.active) continue;
        const bool is_near = path.kind == tubes::PathKind::loopback || path.kind == tubes::PathKind::local;
        if (is_near) return "connected on this machine";
        const bool is_direct = path.kind == tubes::PathKind::direct_tls || path.kind == tubes::PathKind::ice;
        std::string words = (is_direct ? "direct to " : "relayed to ") + who;
        const auto rtt = path.rtt ? path.rtt : link.rtt;
        if (rtt) words += ", " + std::to_string((rtt->count() + 500) / 1000) + " ms";
        return words;
    }
    return "reconnecting, your edits are kept";
}

}  // namespace

Cable::Cable(tubes::Node node, Document& document, CableOptions options)
    : node_(std::move(node)), document_(document), options_(std::move(options)) {}

void Cable::open(const std::string& title) {
    options_.title = title;
    service_ = kServices + title;
    memory_file_ = options_.open_document(title);
    memory_ = Memory::load(memory_file_);
}

asio::awaitable<void> Cable::run() {
    if (options_.title.empty()) co_return;  // an invitation opens it
    open(options_.title);
    if (options_.is_sharing) {
        for (const auto& contact : memory_.invited) {
            asio::co_spawn(node_.get_executor(), share_with_invited(contact), asio::detached);
        }
        co_await share();
    } else {
        if (!options_.contacts.empty()) {
            memory_.from = options_.contacts.front();
            memory_.service.clear();
        }
        co_await join();
    }
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
    asio::steady_timer retry(node_.get_executor());
    for (;;) {
        tubes::ConnectOptions options;
        options.service = memory_.service.empty() ? service_ : memory_.service;
        options.contact = memory_.from;
        boost::system::error_code failure;
        tubes::Tube tube = co_await node_.async_connect(std::move(options), redirect_error(use_awaitable, failure));
        problem_ = failure ? failure.message() : "";
        if (failure == tubes::Errc::cancelled) co_return;
        if (!failure) {
            tubes::Stream stream = co_await tube.async_open_stream(redirect_error(use_awaitable, failure));
            if (!failure) co_await talk(document_, std::move(stream));
        }
        retry.expires_after(kRetryAfter);
        co_await retry.async_wait(redirect_error(use_awaitable, failure));
    }
}

void Cable::invite(std::string contact) {
    if (!options_.is_sharing || invitations_.size() >= kMaxInvitations) return;
    auto& invited = memory_.invited;
    if (std::find(invited.begin(), invited.end(), contact) == invited.end()) {
        invited.push_back(contact);
        if (const auto stored = memory_.store(memory_file_); !stored) problem_ = stored.error().message();
        asio::co_spawn(node_.get_executor(), share_with_invited(contact), asio::detached);
    }
    asio::co_spawn(node_.get_executor(), offer(std::move(contact)), asio::detached);
}

/// Who was invited comes back without being asked.
asio::awaitable<void> Cable::share_with_invited(std::string contact) {
    tubes::ShareOptions options;
    options.service = invited_service(service_, contact);
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
    tubes::OfferOptions options;
    options.contact = contact;
    options.service = invited_service(service_, contact);
    boost::system::error_code failure;
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

/// The offer's tube says that the invitation is accepted; the share of the same name is what stays.
asio::awaitable<void> Cable::accept_offer(std::string id) {
    boost::system::error_code failure;
    tubes::Tube tube = co_await node_.async_accept_offer(std::move(id), redirect_error(use_awaitable, failure));
    problem_ = failure ? "the invitation is not valid any more: " + failure.message() : "";
    if (failure || !service_.empty()) co_return;
    const tubes::TubeInfo info = tube.info();
    try {
        open(title_of(info.service));
    } catch (const std::exception& error) {
        problem_ = error.what();
        co_return;
    }
    memory_.from = info.contact;
    memory_.service = info.service;
    if (const auto stored = memory_.store(memory_file_); !stored) problem_ = stored.error().message();
    co_await join();
}

/// What the page asks the user about: who wants to edit, or invites to a document while there is none yet.
bool Cable::is_for_us(const tubes::PendingInfo& request) const {
    if (!request.is_offer) return !service_.empty() && title_of(request.service) == options_.title;
    return service_.empty() && request.service.substr(0, kServices.size()) == kServices;
}

std::string Cable::words_for(const tubes::Status& status) const {
    std::map<std::string, int> counts;  // the same words for several people are said once
    for (const auto& tube : status.tubes) {
        if (service_.empty() || title_of(tube.service) != options_.title || tube.state != "open") continue;
        for (const auto& link : status.links) {
            if (link.id == tube.link && counts.size() < kMaxWords) ++counts[words_for_path(link)];
        }
    }
    std::string words;
    for (const auto& [path, count] : counts) {
        words += (words.empty() ? "" : "; ") + path + (count > 1 ? " (" + std::to_string(count) + " people)" : "");
    }
    if (!document_.problem().empty()) return document_.problem();
    if (!words.empty()) return words;
    if (service_.empty()) return problem_.empty() ? "waiting for an invitation" : problem_;
    if (!problem_.empty())
        return (options_.is_sharing ? "" : "waiting for the other side, your edits are kept: ") + problem_;
    return options_.is_sharing ? "shared, nobody else is here yet" : "connecting, your edits are kept";
}

asio::awaitable<std::string> Cable::describe() {
    const tubes::Status status = co_await node_.async_status(use_awaitable);
    const std::vector<tubes::ContactInfo> contacts = co_await node_.async_contacts(use_awaitable);
    nlohmann::json page;
    page["title"] = options_.title;
    page["name"] = options_.is_sharing ? "host" : "guest";
    page["state"] = words_for(status);
    for (const auto& account : status.accounts) {
        if (account.name != "local") page["name"] = account.name.substr(0, account.name.find('@'));
    }
    page["contacts"] = nlohmann::json::array();
    for (const auto& contact : contacts) {
        const bool can_join = std::any_of(contact.peers.begin(), contact.peers.end(),
                                          [](const tubes::PeerInfo& peer) { return peer.speaks_tubes; });
        if (can_join && options_.is_sharing) {
            page["contacts"].push_back({{"address", contact.address}});
        }
    }
    page["requests"] = nlohmann::json::array();
    for (const auto& request : status.pending) {
        if (!is_for_us(request)) continue;
        page["requests"].push_back({{"id", request.id},
                                    {"contact", request.contact},
                                    {"invitation", request.is_offer ? title_of(request.service) : ""}});
    }
    co_return page.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

asio::awaitable<void> Cable::report() {
    asio::steady_timer timer(node_.get_executor());
    for (;;) {
        std::string words = co_await describe();
        document_.tell_pages(make_message(MessageType::status, std::move(words)));
        timer.expires_after(kReportEvery);
        co_await timer.async_wait(use_awaitable);
    }
}

}  // namespace editor
