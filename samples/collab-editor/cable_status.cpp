// SPDX-License-Identifier: GPL-3.0-or-later
// What the cable tells the pages once a second: people, connections in words, what waits for an answer.
#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "samples/collab-editor/cable.hpp"
#include "samples/collab-editor/names.hpp"

namespace editor {

namespace asio = boost::asio;
using asio::use_awaitable;

namespace {

constexpr auto kReportEvery = std::chrono::seconds(1);
constexpr std::size_t kMaxWords = 8;  // people whose connection is described

bool is_direct(tubes::PathKind kind) {
    return kind == tubes::PathKind::direct_tls || kind == tubes::PathKind::ice;
}

}  // namespace

std::string Cable::words_for_path(const tubes::LinkInfo& link) const {
    const std::string nick = lookout_.nick_of(link.contact);
    std::string who = nick.empty() ? link.contact : nick;
    if (link.contact.empty() || link.account == "local") who = "your other program";
    for (const auto& path : link.paths) {
        if (!path.active) continue;
        const bool is_near = path.kind == tubes::PathKind::loopback || path.kind == tubes::PathKind::local;
        if (is_near && nick.empty()) return "connected on this machine";
        std::string words = (is_near ? "on this machine with " : is_direct(path.kind) ? "direct to " : "relayed to ");
        words += who;
        const auto rtt = path.rtt ? path.rtt : link.rtt;
        if (rtt && !is_near) words += ", " + std::to_string((rtt->count() + 500) / 1000) + " ms";
        return words;
    }
    return "reconnecting, your edits are kept";
}

std::string Cable::words_for(const tubes::Status& status) const {
    if (!document_.problem().empty()) return document_.problem();
    std::set<std::string> links;
    for (const auto& tube : status.tubes) {
        if (!service_.empty() && title_of(tube.service) == options_.title && tube.state == "open")
            links.insert(tube.link);
    }
    std::map<std::string, int> counts;  // the same words for several people are said once
    for (const auto& link : status.links) {
        if (links.count(link.id) > 0 && counts.size() < kMaxWords) ++counts[words_for_path(link)];
    }
    std::string words;
    for (const auto& [path, count] : counts) {
        words += (words.empty() ? "" : "; ") + path + (count > 1 ? " (" + std::to_string(count) + " people)" : "");
    }
    if (!words.empty()) return words;
    if (service_.empty()) return problem_.empty() ? "waiting for an invitation" : problem_;
    if (!problem_.empty())
        return (options_.is_sharing ? "" : "waiting for the other side, your edits are kept: ") + problem_;
    if (!options_.is_sharing) return "connecting, your edits are kept";
    if (options_.room.empty()) return "shared, nobody else is here yet";
    return (room_share_ ? "shared in " : "entering ") + options_.room;
}

/// What the page asks the user about: who wants to edit, or invites to a document while there is none yet.
bool Cable::is_for_us(const tubes::PendingInfo& request) const {
    if (!request.is_offer) return !service_.empty() && title_of(request.service) == options_.title;
    return service_.empty() && is_document(request.service);
}

asio::awaitable<std::string> Cable::describe() {
    const tubes::Status status = co_await node_.async_status(use_awaitable);
    if (document_.has_page()) co_await lookout_.look(room_);
    nlohmann::json page;
    page["title"] = options_.title;
    page["name"] = options_.is_sharing ? "host" : "guest";
    page["state"] = words_for(status);
    page["sharing"] = options_.is_sharing;
    for (const auto& account : status.accounts) {
        if (account.name != "local") page["name"] = account.name.substr(0, account.name.find('@'));
    }
    page["contacts"] = nlohmann::json::array();
    for (const auto& person : lookout_.people()) {
        nlohmann::json documents = nlohmann::json::array();
        for (const auto& [title, service] : person.documents) {
            if (title != options_.title) documents.push_back({{"title", title}, {"service", service}});
        }
        const bool can_invite = options_.is_sharing && !person.in_room;
        page["contacts"].push_back(
            {{"address", person.address}, {"invite", can_invite}, {"room", person.in_room}, {"documents", documents}});
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
