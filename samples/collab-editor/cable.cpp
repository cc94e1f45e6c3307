// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/cable.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <nlohmann/json.hpp>

namespace editor {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;

namespace {

constexpr auto kRetryAfter = std::chrono::milliseconds(500);
constexpr auto kReportEvery = std::chrono::seconds(1);
constexpr std::size_t kMaxOffers = 32;
constexpr std::size_t kMaxWords = 8;  // people whose connection is described

asio::awaitable<void> write(std::shared_ptr<tubes::Stream> stream, std::shared_ptr<Member> member) {
    boost::system::error_code failure;
    while (!failure) {
        const auto message = co_await member->next();
        if (!message) break;
        const std::string head = write_head(*message);
        const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(*message->body)};
        co_await asio::async_write(*stream, buffers, redirect_error(use_awaitable, failure));
    }
    stream->close();
}

asio::awaitable<std::optional<Message>> read(std::shared_ptr<tubes::Stream> stream) {
    boost::system::error_code failure;
    std::string bytes(kHeadSize, '\0');
    co_await asio::async_read(*stream, asio::buffer(bytes), redirect_error(use_awaitable, failure));
    if (failure) co_return std::nullopt;
    const auto head = read_head(bytes);
    if (!head) co_return std::nullopt;
    std::string body(head->body_size, '\0');
    co_await asio::async_read(*stream, asio::buffer(body), redirect_error(use_awaitable, failure));
    if (failure) co_return std::nullopt;
    co_return make_message(head->type, std::move(body));
}

/// One copy of the document at the other end of a stream, until either side ends it.
asio::awaitable<void> talk(Document& document, tubes::Stream opened) {
    const auto executor = co_await asio::this_coro::executor;
    auto stream = std::make_shared<tubes::Stream>(std::move(opened));
    auto member = std::make_shared<Member>(executor, false);
    member->deliver(make_message(MessageType::hello, std::string(1, static_cast<char>(kProtocolVersion))));
    asio::co_spawn(executor, write(stream, member), asio::detached);
    asio::steady_timer pause(executor);
    const auto hello = co_await read(stream);
    if (hello && hello->type == MessageType::hello && !hello->body->empty() &&
        static_cast<std::uint8_t>(hello->body->front()) == kProtocolVersion) {
        document.add(member);
        for (;;) {
            const auto message = co_await read(stream);
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
    : node_(std::move(node)),
      document_(document),
      options_(std::move(options)),
      service_("org.tubes.editor." + options_.title) {}

asio::awaitable<void> Cable::run() {
    if (options_.is_sharing) {
        co_await share();
    } else {
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
        options.service = service_;
        if (!options_.contacts.empty()) options.contact = options_.contacts.front();
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
    if (options_.is_sharing) asio::co_spawn(node_.get_executor(), offer(std::move(contact)), asio::detached);
}

asio::awaitable<void> Cable::offer(std::string contact) {
    if (offers_.size() >= kMaxOffers) offers_.erase(offers_.begin());
    tubes::OfferOptions options;
    options.contact = contact;
    options.service = service_;
    boost::system::error_code failure;
    tubes::Share made = co_await node_.async_offer(std::move(options), redirect_error(use_awaitable, failure));
    problem_ = failure ? "cannot invite " + contact + ": " + failure.message() : "";
    if (failure) co_return;
    auto share = std::make_shared<tubes::Share>(std::move(made));
    offers_.push_back(share);
    co_await accept(share);
}

void Cable::answer(std::string id, bool accept) {
    if (!accept || options_.is_sharing) {
        node_.async_answer(std::move(id), accept, asio::detached);
    }
}

std::string Cable::words_for(const tubes::Status& status) const {
    std::map<std::string, int> counts;  // the same words for several people are said once
    for (const auto& tube : status.tubes) {
        if (tube.service != service_ || tube.state != "open") continue;
        for (const auto& link : status.links) {
            if (link.id == tube.link && counts.size() < kMaxWords) ++counts[words_for_path(link)];
        }
    }
    std::string words;
    for (const auto& [path, count] : counts) {
        words += (words.empty() ? "" : "; ") + path + (count > 1 ? " (" + std::to_string(count) + " people)" : "");
    }
    if (!words.empty()) return words;
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
        if (can_join && !contact.is_self && options_.is_sharing) {
            page["contacts"].push_back({{"address", contact.address}});
        }
    }
    page["requests"] = nlohmann::json::array();
    for (const auto& request : status.pending) {
        if (request.service != service_ || request.is_offer) continue;
        page["requests"].push_back({{"id", request.id}, {"contact", request.contact}});
    }
    co_return page.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

asio::awaitable<void> Cable::report() {
    asio::steady_timer timer(node_.get_executor());
    for (;;) {
        std::string words = co_await describe();
        document_.tell_pages(make_message(MessageType::status, std::move(words)));
        document_.look_at_file();
        timer.expires_after(kReportEvery);
        co_await timer.async_wait(use_awaitable);
    }
}

}  // namespace editor
