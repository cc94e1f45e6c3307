// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/lookout.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "samples/collab-editor/names.hpp"

namespace editor {

namespace asio = boost::asio;

namespace {

constexpr auto kAskAgainAfter = std::chrono::seconds(10);
constexpr std::size_t kMaxPeople = 100;    // on the page's list
constexpr std::size_t kMaxDocuments = 20;  // of one person

/// By title; a share that is for us alone wins over one that its owner is asked about.
std::map<std::string, std::string> documents_in(const std::vector<tubes::OfferedService>& services) {
    std::map<std::string, std::string> documents;
    for (const auto& offered : services) {
        const auto title = title_of(offered.service);
        if (title.empty() || offered.kind != tubes::TubeKind::stream) continue;
        if (documents.size() >= kMaxDocuments && documents.count(title) == 0) continue;
        auto& service = documents[title];
        if (service.empty() || is_invited_service(offered.service)) service = offered.service;
    }
    return documents;
}

}  // namespace

asio::awaitable<void> Lookout::look(std::shared_ptr<tubes::Room> room) {
    const std::vector<tubes::ContactInfo> contacts = co_await node_.async_contacts(asio::use_awaitable);
    std::vector<Person> people;
    for (const auto& contact : contacts) {
        std::vector<std::string> peers;
        for (const auto& peer : contact.peers) {
            if (peer.speaks_tubes) peers.push_back(peer.address);
        }
        if (peers.empty() || people.size() >= kMaxPeople) continue;
        ask_if_due(contact, std::move(peers));
        people.push_back({contact.address, false, asked_[contact.address]->documents});
    }
    nicks_.clear();
    if (room) {
        boost::system::error_code failure;
        const tubes::RoomInfo info = co_await room->async_info(asio::redirect_error(asio::use_awaitable, failure));
        for (const auto& occupant : info.occupants) {
            nicks_[occupant.contact] = person_of(occupant.nick);
            if (occupant.is_self || !occupant.speaks_tubes || people.size() >= kMaxPeople) continue;
            people.push_back({person_of(occupant.nick), true, documents_in(occupant.services)});
        }
    }
    people_ = std::move(people);
}

void Lookout::ask_if_due(const tubes::ContactInfo& contact, std::vector<std::string> peers) {
    auto& asked = asked_[contact.address];
    const auto now = std::chrono::steady_clock::now();
    if (asked && asked->peers == peers && now - asked->when < kAskAgainAfter) return;
    if (!asked) asked = std::make_shared<Asked>();
    asked->peers = std::move(peers);
    asked->when = now;
    asio::co_spawn(node_.get_executor(), ask(node_, asked, contact.address), asio::detached);
}

asio::awaitable<void> Lookout::ask(tubes::Node& node, std::weak_ptr<Asked> asked, std::string contact) {
    boost::system::error_code failure;
    const std::vector<tubes::OfferedService> services =
        co_await node.async_services(std::move(contact), asio::redirect_error(asio::use_awaitable, failure));
    const auto entry = asked.lock();
    if (entry && !failure) entry->documents = documents_in(services);
}

std::string Lookout::nick_of(const std::string& contact) const {
    const auto found = nicks_.find(contact);
    return found == nicks_.end() ? std::string() : found->second;
}

bool Lookout::shares(const std::string& address, const std::string& service) const {
    return std::any_of(people_.begin(), people_.end(), [&](const Person& person) {
        const auto found = person.documents.find(title_of(service));
        return person.address == address && found != person.documents.end() && found->second == service;
    });
}

}  // namespace editor
