// SPDX-License-Identifier: GPL-3.0-or-later
// The broker's questions that open nothing: services, round trips, and the short verification string.
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {
namespace {

constexpr std::chrono::seconds kVerificationDeadline{120};  // The other user has to start it as well.
constexpr std::size_t kMaxAsked = 16;                       // Devices of one contact that are asked.

// Answers of several devices, handed over once all have answered or failed.
template <class Answer>
struct Collection {
    std::size_t waiting = 0;
    std::vector<Answer> answers;
    error_code last_error = make_error_code(Errc::offline);
    std::function<void(result<std::vector<Answer>>)> callback;

    void arrived(result<Answer> answer) {
        if (answer) {
            answers.push_back(std::move(*answer));
        } else {
            last_error = answer.error();
        }
        if (--waiting > 0) return;
        if (answers.empty()) return callback(last_error);
        callback(std::move(answers));
    }
};

}  // namespace

void BrokerImpl::query_services(const ports::AccountName& name, const ContactAddress& contact,
                                std::chrono::milliseconds deadline,
                                std::function<void(result<std::vector<PeerServices>>)> callback) {
    auto* account = find_account(name);
    if (!account) return later([callback] { callback(make_error_code(Errc::not_found)); });
    auto peers = account->tube_peers(contact);
    if (peers.empty()) return later([callback] { callback(make_error_code(Errc::offline)); });
    if (peers.size() > kMaxAsked) peers.resize(kMaxAsked);
    auto collection = std::make_shared<Collection<PeerServices>>();
    collection->waiting = peers.size();
    collection->callback = std::move(callback);
    std::weak_ptr<int> alive = alive_;
    for (const auto& peer : peers) {
        account->connection().send_signal(
            peer, ServiceQuery{}, deadline, [alive, collection, peer](result<SignalReply> reply) {
                if (alive.expired()) return;
                if (!reply) return collection->arrived(reply.error());
                auto* list = std::get_if<ServiceList>(&*reply);
                if (!list) return collection->arrived(make_error_code(Errc::protocol_violation));
                collection->arrived(PeerServices{peer, list->identity, std::move(list->services)});
            });
    }
}

void BrokerImpl::ping(const ports::AccountName& name, const ContactAddress& contact, std::chrono::milliseconds deadline,
                      std::function<void(result<std::vector<PingResult>>)> callback) {
    auto* account = find_account(name);
    if (!account) return later([callback] { callback(make_error_code(Errc::not_found)); });
    auto peers = account->tube_peers(contact);
    for (const auto& [id, session] : sessions_) {
        const auto& origin = session->origin();
        const bool concerned = origin.account == name && origin.peer.contact == contact;
        const bool listed = std::find(peers.begin(), peers.end(), origin.peer) != peers.end();
        if (concerned && !listed && session->state() == SessionState::open) peers.push_back(origin.peer);
    }
    if (peers.empty()) return later([callback] { callback(make_error_code(Errc::offline)); });
    if (peers.size() > kMaxAsked) peers.resize(kMaxAsked);
    auto collection = std::make_shared<Collection<PingResult>>();
    collection->waiting = peers.size();
    collection->callback = std::move(callback);
    for (const auto& peer : peers) {
        auto arrived = [collection](result<PingResult> answer) { collection->arrived(std::move(answer)); };
        ping_peer(*account, peer, deadline, std::move(arrived));
    }
}

void BrokerImpl::ping_peer(Account& account, const PeerAddress& peer, std::chrono::milliseconds deadline,
                           std::function<void(result<PingResult>)> arrived) {
    std::weak_ptr<int> alive = alive_;
    auto* session = accepted_session(account.name(), peer);
    if (session && session->state() == SessionState::open) {
        const auto link = session->id();
        session->link()->ping(deadline, [this, alive, arrived, peer, link](result<std::chrono::microseconds> rtt) {
            if (alive.expired()) return;
            if (!rtt) return arrived(rtt.error());
            PingResult answer{peer, *rtt, std::nullopt};
            if (auto* found = find_session(link)) {
                for (const auto& path : found->report().status.paths) {
                    if (path.active) answer.path = path.info;
                }
            }
            arrived(std::move(answer));
        });
        return;
    }
    const auto sent = now();
    account.connection().send_signal(
        peer, PingSignal{}, deadline, [this, alive, arrived, peer, sent](const result<SignalReply>& reply) {
            if (alive.expired()) return;
            if (!reply) return arrived(reply.error());
            arrived(PingResult{peer, std::chrono::duration_cast<std::chrono::microseconds>(now() - sent), {}});
        });
}

void BrokerImpl::start_verification(const LinkId& link, std::function<void(result<std::string>)> callback) {
    auto* session = find_session(link);
    const bool live = session && (session->state() == SessionState::open || session->state() == SessionState::stalled);
    if (!live) return later([callback] { callback(make_error_code(Errc::not_found)); });
    session->verification()->start([this, link, callback](result<std::string> outcome) {
        if (auto* found = find_session(link)) found->verification_deadline.reset();
        later([callback, outcome] { callback(outcome); });
    });
    session->verification_deadline = after(kVerificationDeadline, [this, link] {
        if (auto* found = find_session(link)) found->verification()->cancel(Errc::timed_out);
    });
}

}  // namespace tubes::core
