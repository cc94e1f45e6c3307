// SPDX-License-Identifier: GPL-3.0-or-later
// A node of a simulated world: a broker with one account, its stores in memory, and all that it was told.
#pragma once

#include "tests/simulation/link_pair.hpp"
#include "tests/simulation/simulated_server.hpp"
#include "tests/simulation/simulated_transport.hpp"
#include "tubes/core/tube/broker.hpp"

namespace tubes::simulation {

class MemoryTrust final : public core::ports::TrustStore {
public:
    std::vector<core::ports::Pin> pins(const core::ports::AccountName& account,
                                       const core::ContactAddress& contact) const override;
    result<void> put(const core::ports::AccountName& account, const core::ContactAddress& contact,
                     const core::ports::Pin& pin) override;
    result<void> remove(const core::ports::AccountName& account, const core::ContactAddress& contact,
                        const core::PublicKey& key) override;
    bool broken = false;  ///< put() fails.

private:
    std::map<std::pair<std::string, std::string>, std::vector<core::ports::Pin>> pins_;
};

class MemoryPolicies final : public core::ports::PolicyStore {
public:
    Policy policy(const core::ports::AccountName& account, const core::ContactAddress& contact,
                  const std::string& service, Direction direction) const override;
    AddressPolicy addresses(const core::ports::AccountName&, const core::ContactAddress&,
                            AddressPolicy fallback) const override {
        return address_policy.value_or(fallback);
    }
    std::map<std::string, Policy> incoming;  ///< By service.
    std::map<std::string, Policy> offered;
    std::optional<AddressPolicy> address_policy;
};

/// What everything of a test shares.
struct World {
    explicit World(ServerModel model = {}, std::uint64_t seed = 1);
    SimulatedScheduler scheduler;
    SimulatedCrypto crypto;
    SimulatedServer server;
    SimulatedReach reach;

    void run(core::Duration span = std::chrono::seconds(5)) { scheduler.advance(span); }
    bool until(const std::function<bool()>& done, core::Duration limit = std::chrono::minutes(5)) {
        return scheduler.run_until(done, limit);
    }
};

/// See the head of the file.
class BrokerNode final : public core::Broker::Handler {
public:
    BrokerNode(World& world, const std::string& contact, const std::string& resource, std::uint64_t key_seed,
               core::BrokerLimits limits = {}, const std::string& protocol = "xmpp");
    ~BrokerNode();

    /// Opens a tube; the outcome lands in `outcomes`.
    core::TubeId connect(const std::string& contact, const std::string& service,
                         std::chrono::milliseconds deadline = std::chrono::seconds(60));
    /// Shares with `audience` under `policy`.
    void share(const std::string& service, std::vector<std::string> audience, Policy policy = Policy::ask);
    /// Takes every key of `other` as accepted.
    void trust(const BrokerNode& other);
    /// Answers the latest that waits.
    void answer(bool accept);
    /// Writes through a fresh stream of `tube` and reads the echo that `other` gives; true if it came back.
    bool carries_data(const core::TubeId& tube, BrokerNode& other);
    std::optional<error_code> failure(const core::TubeId& tube) const;
    bool is_open(const core::TubeId& tube) const;
    std::size_t open_tubes() const;

    core::PeerAddress self;
    SimulatedIdentity identity;
    MemoryTrust trust_store;
    MemoryPolicies policies;
    SimulatedTransport direct;
    SimulatedTransport relay;
    std::unique_ptr<core::Broker> broker;

    std::map<core::TubeId, result<core::TubeStatus>> outcomes;
    std::optional<result<core::TubeStatus>> answered;
    std::vector<core::PendingRequest> pending;
    std::vector<std::pair<core::OfferId, Errc>> pending_ended;
    std::vector<core::TubeStatus> opened;
    std::vector<std::pair<core::TubeId, Errc>> closed;
    std::vector<std::pair<core::OfferId, Errc>> offers_ended;
    std::vector<core::LinkReport> link_reports;
    std::vector<core::PublicKey> new_keys;
    std::vector<std::unique_ptr<TestApplication>> applications;

private:
    void on_pending(const core::PendingRequest& request) override { pending.push_back(request); }
    void on_pending_ended(const core::OfferId& id, Errc reason) override { pending_ended.emplace_back(id, reason); }
    void on_tube_open(const core::TubeStatus& tube) override { opened.push_back(tube); }
    void on_stream(const core::TubeId& tube, std::shared_ptr<core::Stream> stream) override;
    void on_tube_closed(const core::TubeId& tube, Errc reason) override { closed.emplace_back(tube, reason); }
    void on_offer_ended(const core::OfferId& id, Errc reason) override { offers_ended.emplace_back(id, reason); }
    void on_link(const core::LinkReport& report) override { link_reports.push_back(report); }
    void on_new_key(const core::ports::AccountName&, const core::ContactAddress&, const core::PublicKey& key) override {
        new_keys.push_back(key);
    }
    void on_connection_state(const core::ports::AccountName&, core::ports::ConnectionState, error_code,
                             const std::string&) override {}
    void on_contact(const core::ports::AccountName&, const core::ports::Contact&) override {}
    void on_contact_removed(const core::ports::AccountName&, const core::ContactAddress&) override {}
    void on_subscription_request(const core::ports::AccountName&, const core::ContactAddress&,
                                 const std::string&) override {}

    World& world_;
};

}  // namespace tubes::simulation
