// SPDX-License-Identifier: GPL-3.0-or-later
// The broker: accounts, shares, status, and the helpers its parts have in common.
#include "tubes/core/tube/broker_impl.hpp"

#include <algorithm>

namespace tubes::core {
namespace {

constexpr std::size_t kRememberedIds = 512;  // Ended links and answered offers: late repeats are known as such.
constexpr std::chrono::milliseconds kSignalDeadline{15000};

template <class Id>
void remember(std::deque<Id>& ids, const Id& id) {
    ids.push_back(id);
    if (ids.size() > kRememberedIds) ids.pop_front();
}

}  // namespace

std::unique_ptr<Broker> Broker::make(Environment environment, BrokerLimits limits, LinkLimits link_limits,
                                     Handler& handler) {
    return std::make_unique<BrokerImpl>(std::move(environment), limits, link_limits, handler);
}

BrokerImpl::BrokerImpl(Environment environment, BrokerLimits limits, LinkLimits link_limits, Handler& handler)
    : environment_(std::move(environment)),
      limits_(limits),
      link_limits_(link_limits),
      handler_(handler),
      keys_(*environment_.trust),
      shares_(limits.shares),
      offers_(limits.offers_out),
      pending_(limits),
      consent_(shares_, offers_, keys_, *environment_.policies),
      limiter_(limits.signals_per_minute, limits.stranger_signals_per_minute, environment_.scheduler->now()) {}

BrokerImpl::~BrokerImpl() {
    alive_.reset();
    tubes_.clear();
    web_sessions_.clear();
    sessions_.clear();
    leaving_.clear();
}

void BrokerImpl::later(std::function<void()> task) {
    std::weak_ptr<int> alive = alive_;
    environment_.scheduler->post([alive, task = std::move(task)] {
        if (!alive.expired()) task();
    });
}

std::unique_ptr<ports::Scheduler::Timer> BrokerImpl::after(std::chrono::milliseconds delay,
                                                           std::function<void()> task) {
    return environment_.scheduler->call_at(now() + delay, std::move(task));
}

void BrokerImpl::call_back(TubeCallback& callback, result<TubeStatus> outcome) {
    if (!callback) return;
    later([callback = std::exchange(callback, nullptr), outcome = std::move(outcome)] { callback(outcome); });
}

void BrokerImpl::send(Account& account, const PeerAddress& peer, Signal signal) {
    account.connection().send_signal(peer, std::move(signal), kSignalDeadline, [](const result<SignalReply>&) {});
}

void BrokerImpl::remember_ended(const LinkId& id) {
    remember(ended_links_, id);
}

bool BrokerImpl::has_ended(const LinkId& id) const {
    return std::find(ended_links_.begin(), ended_links_.end(), id) != ended_links_.end();
}

Account* BrokerImpl::find_account(const ports::AccountName& name) {
    const auto found = accounts_.find(name);
    return found == accounts_.end() ? nullptr : found->second.get();
}

TubeRecord* BrokerImpl::find_tube(const TubeId& id) {
    const auto found = tubes_.find(id);
    return found == tubes_.end() ? nullptr : &found->second;
}

result<void> BrokerImpl::add_connection(ports::AccountName name, std::unique_ptr<ports::Connection> connection,
                                        const ports::Identity& identity) {
    if (accounts_.contains(name)) return make_error_code(Errc::already_exists);
    Account::Owner& owner = *this;
    auto account = std::make_unique<Account>(name, std::move(connection), identity, owner);
    auto& added = *accounts_.emplace(std::move(name), std::move(account)).first->second;
    added.start();
    return {};
}

void BrokerImpl::remove_connection(const ports::AccountName& name, std::function<void()> done) {
    auto* account = find_account(name);
    if (!account) return later(std::move(done));
    std::vector<LinkSession*> sessions;
    for (auto& [id, session] : sessions_) {
        if (session->origin().account == name) sessions.push_back(session.get());
    }
    for (auto* session : sessions) end_session(*session, Errc::cancelled, true);
    end_webs(Errc::cancelled, true, [&name](const auto& session) { return session.origin().account == name; });
    for (const auto& id : pending_.of_account(name)) end_pending(id, Errc::cancelled);
    std::vector<OfferId> offers;
    for (auto& [id, offer] : offers_.all()) {
        if (offer.spec.account == name) offers.push_back(id);
    }
    for (const auto& id : offers) end_offer(id, Errc::cancelled, OfferEnd::withdrawn, std::nullopt);
    std::vector<TubeId> tubes;
    for (auto& [id, tube] : tubes_) {
        if (tube.status.account == name) tubes.push_back(id);
    }
    for (const auto& id : tubes) end_tube(id, Errc::cancelled, false);
    std::erase_if(rooms_, [&name](const auto& entry) { return entry.first.first == name; });
    account->on_removed = std::move(done);
    if (account->connection().state() == ports::ConnectionState::offline) later([this, name] { finish_removal(name); });
    account->connection().close();
}

void BrokerImpl::finish_removal(const ports::AccountName& name) {
    auto* account = find_account(name);
    if (!account || !account->on_removed) return;
    auto done = std::move(account->on_removed);
    std::erase_if(leaving_, [&name](const auto& entry) { return entry.second->origin().account == name; });
    accounts_.erase(name);
    done();
}

ports::Connection* BrokerImpl::connection(const ports::AccountName& name) {
    auto* account = find_account(name);
    return account ? &account->connection() : nullptr;
}

result<void> BrokerImpl::share(ShareSpec spec) {
    if (auto fits = check_room_share(spec); !fits) return fits;
    auto added = shares_.add(std::move(spec));
    if (added) announce_everywhere();
    return added;
}

result<void> BrokerImpl::unshare(const std::string& service) {
    if (!shares_.remove(service)) return make_error_code(Errc::not_found);
    policies_changed();
    return {};
}

void BrokerImpl::policies_changed() {
    announce_everywhere();
    std::vector<LinkId> distrusted;
    for (auto& [id, session] : sessions_) {
        const auto asker = asker_of(*session);
        if (session->is_accepted() && consent_.standing(asker, session->peer_key()) != KeyStanding::known) {
            distrusted.push_back(id);
        }
    }
    for (const auto& id : distrusted) {
        if (auto* session = find_session(id)) end_session(*session, Errc::key_changed, true);
    }
    std::vector<TubeId> ids;
    for (const auto& [id, tube] : tubes_) ids.push_back(id);
    for (const auto& id : ids) re_decide(id);
    end_webs(Errc::not_available, true, [this](const auto& session) {
        const auto decision = decide_web(session);
        return decision.verdict == Verdict::deny;
    });
    for (const auto& id : pending_.ids()) {
        auto* waiting = pending_.find(id);
        if (!waiting || waiting->request.is_offer) continue;
        auto* account = find_account(waiting->request.account);
        if (!account || waiting->request.web) continue;
        const auto asker =
            asker_of(*account, Origin{waiting->request.from, false, waiting->same_user, waiting->request.room});
        if (decide(asker, waiting->request.key, waiting->tube).verdict != Verdict::deny) continue;
        auto taken = pending_.take(id);
        refuse_waiting(*taken, Errc::not_available);
        notify([id](Handler& handler) { handler.on_pending_ended(id, Errc::cancelled); });
    }
}

void BrokerImpl::re_decide(const TubeId& id) {
    auto* tube = find_tube(id);
    auto* session = tube ? find_session(tube->status.link) : nullptr;
    if (!session) return;
    using Direction = ports::PolicyStore::Direction;
    const auto asker = asker_of(*session);
    const auto& service = tube->request.service;
    const bool by_offer = tube->request.offer.has_value();
    bool allowed = true;
    if (tube->status.incoming && !by_offer) {
        const auto* share = shares_.find_for(asker, service, tube->request.kind);
        allowed = share && share->policy != Policy::never &&
                  consent_.policy(asker, service, Direction::incoming) != Policy::never;
    } else if (!tube->status.incoming && by_offer) {
        allowed = consent_.policy(asker, service, Direction::offered) != Policy::never;
    }
    if (!allowed) end_tube(id, Errc::not_available, true);
}

void BrokerImpl::network_changed() {
    for (auto& [name, account] : accounts_) account->connection().network_changed();
    for (auto& [id, session] : sessions_) session->network_changed();
}

void BrokerImpl::check_paths() {
    for (auto& [name, account] : accounts_) account->connection().network_changed();
    for (auto& [id, session] : sessions_) session->check_paths();
}

TubeStatus BrokerImpl::status_of(const TubeRecord& tube) const {
    auto status = tube.status;
    status.streams = tube.streams.size();
    status.bytes_sent = tube.streams.bytes_sent();
    status.bytes_received = tube.streams.bytes_received();
    status.datagrams = tube.streams.datagrams();
    return status;
}

std::vector<TubeStatus> BrokerImpl::tubes() const {
    std::vector<TubeStatus> all;
    for (const auto& [id, tube] : tubes_) all.push_back(status_of(tube));
    return all;
}

std::vector<LinkReport> BrokerImpl::links() const {
    std::vector<LinkReport> all;
    for (const auto& [id, session] : sessions_) {
        if (session->is_accepted()) all.push_back(session->report());
    }
    for (const auto& [id, session] : web_sessions_) {
        if (session->is_open()) all.push_back(session->report());
    }
    return all;
}

}  // namespace tubes::core
