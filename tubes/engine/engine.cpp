// SPDX-License-Identifier: GPL-3.0-or-later
// A node from its first turn on the loop to its last.
#include "tubes/engine/engine.hpp"

#include <algorithm>

#include "tubes/base/log.hpp"
#include "tubes/engine/accounts.hpp"
#include "tubes/engine/contacts.hpp"
#include "tubes/engine/convert.hpp"
#include "tubes/engine/diagnosis.hpp"
#include "tubes/engine/registry.hpp"
#include "tubes/engine/rooms.hpp"
#include "tubes/engine/shares.hpp"
#include "tubes/engine/streams.hpp"
#include "tubes/engine/tubes.hpp"

namespace tubes::engine {
namespace {

// Logging out takes a connection at most 2 s (ports/connection.hpp); then the node goes without.
constexpr std::chrono::milliseconds kClosingPatience{2500};

}  // namespace

Engine::Engine(std::shared_ptr<Loop> loop, std::unique_ptr<Profile> profile, NodeOptions options)
    : loop_(std::move(loop)),
      profile_(std::move(profile)),
      options_(std::move(options)),
      scheduler_(std::make_unique<AsioScheduler>(loop_->executor(), [this] { on_wake_up(); })),
      accounts_(std::make_unique<Accounts>(*this)),
      contacts_(std::make_unique<Contacts>(*this)),
      streams_(std::make_unique<Streams>(loop_)),
      shares_(std::make_unique<Shares>(*this)),
      rooms_(std::make_unique<Rooms>(*this)),
      tubes_(std::make_unique<Tubes>(*this)) {}

Engine::~Engine() = default;

void Engine::start() {
    transports_ = make_transports({loop_->executor(), scheduler_.get(), profile_.get()});
    web_transport_ = make_web_transport({loop_->executor(), scheduler_.get(), profile_.get()});
    make_broker();
    addresses_ = AddressMonitor::make(loop_->executor(), [this](bool changed) {
        if (!changed) return broker_->check_paths();
        base::logger("engine")->info("the machine's addresses or routes changed");
        broker_->network_changed();
        accounts_->network_changed();
    });
    sleep_ = SleepMonitor::make(loop_->executor(), [this] { on_wake_up(); });
    accounts_->start(options_);
}

// Also after the wall clock was set, and after a stopped process went on: asking costs little.
void Engine::on_wake_up() {
    if (!broker_ || closed_) return;
    base::logger("engine")->info("awake again: checking what is still there");
    broker_->check_paths();
    accounts_->network_changed();
}

void Engine::make_broker() {
    core::Broker::Environment environment;
    environment.scheduler = scheduler_.get();
    environment.crypto = &crypto_;
    environment.trust = profile_->trust.get();
    environment.policies = profile_->policies.get();
    for (const auto& transport : transports_) environment.transports.push_back(transport.get());
    environment.web = web_transport_.get();
    broker_ =
        core::Broker::make(environment, profile_->settings->broker_limits(), profile_->settings->link_limits(), *this);
}

// In this order: nobody can ask any more, then what peers see ends, then the accounts log out.
void Engine::close() {
    if (closed_) return;
    shares_->close_all();
    rooms_->close_all();
    tubes_->close_all();
    streams_->close();
    closed_ = true;
    events_.end();
    addresses_.reset();
    sleep_.reset();
    closing_ = scheduler_->call_at(scheduler_->now() + kClosingPatience,
                                   [self = shared_from_this()] { self->finish_closing(); });
    accounts_->close([weak = weak_from_this()] {
        // One turn later: this runs inside the broker, which goes now.
        auto self = weak.lock();
        if (self) self->scheduler_->post([self] { self->finish_closing(); });
    });
}

void Engine::finish_closing() {
    if (std::exchange(finished_, true)) return;
    auto self = shared_from_this();
    closing_.reset();
    broker_.reset();
    transports_.clear();
    scheduler_->stop();
    loop_->end();
}

Status Engine::status() const {
    Status status;
    status.accounts = accounts_->list();
    status.shares = shares_->list();
    for (const auto& tube : broker_->tubes()) status.tubes.push_back(to_info(tube, crypto_));
    for (const auto& link : broker_->links()) status.links.push_back(to_info(link, crypto_));
    for (const auto& request : broker_->pending()) {
        status.pending.push_back(to_info(request, crypto_, scheduler_->now()));
    }
    return status;
}

// One account after the other, each asked for its servers; those of the user's configuration come with every account.
void Engine::find_ice_servers(std::size_t account, std::shared_ptr<std::vector<core::ports::IceServer>> found,
                              std::function<void()> done) {
    const auto names = accounts_->names();
    if (account >= names.size()) return done();
    auto next = [weak = weak_from_this(), account, found, done = std::move(done)](auto servers) {
        for (auto& server : servers) {
            const bool known = std::any_of(found->begin(), found->end(), [&server](const auto& each) {
                return each.scheme == server.scheme && each.host == server.host && each.port == server.port;
            });
            if (!known) found->push_back(std::move(server));
        }
        if (auto self = weak.lock(); self && !self->closed_) self->find_ice_servers(account + 1, found, done);
    };
    auto* connection = broker_->connection(names[account]);
    if (connection == nullptr) return next(std::vector<core::ports::IceServer>());
    connection->find_ice_servers(std::move(next));
}

void Engine::diagnose(CompletionPointer<std::vector<Finding>> done) {
    auto servers = std::make_shared<std::vector<core::ports::IceServer>>();
    find_ice_servers(0, servers, [weak = weak_from_this(), servers, done] {
        auto self = weak.lock();
        if (!self || self->closed_) return;
        DiagnosisInput input{
            self->accounts_->list(), *servers, nullptr, {}, self->profile_->settings->proxy().printed()};
        for (const auto& name : self->accounts_->names()) {
            auto* connection = self->broker_->connection(name);
            if (connection == nullptr || connection->state() != core::ports::ConnectionState::online) continue;
            if (auto carrier = connection->carrier(connection->info().self_peer)) input.carriers.push_back(carrier);
        }
        for (const auto& transport : self->transports_) {
            if (transport->kind() == PathKind::ice) input.ice = transport.get();
        }
        async_diagnose(self->loop_->executor(), std::move(input),
                       [done](std::vector<Finding> findings) { done->succeed(std::move(findings)); });
    });
}

void Engine::on_pending(const core::PendingRequest& request) {
    events_.push(RequestPending{to_info(request, crypto_, scheduler_->now())});
}

void Engine::on_pending_ended(const core::OfferId& id, Errc reason) {
    events_.push(RequestEnded{id.hex(), reason});
}

void Engine::on_tube_open(const core::TubeStatus& tube) {
    if (tube.incoming) {
        shares_->on_tube_open(tube);
    } else {
        tubes_->on_tube_open(tube);
    }
    events_.push(TubeOpened{to_info(tube, crypto_)});
}

void Engine::on_stream(const core::TubeId& tube, std::shared_ptr<core::Stream> stream) {
    if (closed_) return stream->reset(Errc::broken);
    shares_->on_stream(tube, std::move(stream));
}

void Engine::on_tube_closed(const core::TubeId& tube, Errc reason) {
    shares_->on_tube_closed(tube);
    tubes_->on_tube_closed(tube, reason);
    events_.push(TubeClosed{tube.hex(), reason});
}

void Engine::on_offer_ended(const core::OfferId& id, Errc reason) {
    shares_->on_offer_ended(id, reason);
    events_.push(OfferEnded{id.hex(), reason});
}

void Engine::on_link(const core::LinkReport& report) {
    events_.push(LinkChanged{to_info(report, crypto_)});
}

void Engine::on_new_key(const core::ports::AccountName& account, const core::ContactAddress& contact,
                        const core::PublicKey& key) {
    events_.push(KeyChanged{account, contact.value, device_name(key, crypto_)});
}

void Engine::on_connection_state(const core::ports::AccountName& account, core::ports::ConnectionState state,
                                 error_code reason, const std::string& detail) {
    accounts_->on_state(account, state, reason, detail);
}

void Engine::on_contact(const core::ports::AccountName& account, const core::ports::Contact& contact) {
    events_.push(ContactChanged{to_info(account, contact)});
}

void Engine::on_contact_removed(const core::ports::AccountName& account, const core::ContactAddress& contact) {
    events_.push(ContactRemoved{account, contact.value});
}

void Engine::on_subscription_request(const core::ports::AccountName& account, const core::ContactAddress& contact,
                                     const std::string& text) {
    events_.push(SubscriptionRequested{account, contact.value, text});
}

void Engine::on_room_event(const core::ports::AccountName& account, const core::ports::RoomEvent& event) {
    if (!closed_) rooms_->on_event(account, event);
}

}  // namespace tubes::engine
