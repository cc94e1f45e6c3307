// SPDX-License-Identifier: GPL-3.0-or-later
// Nodes of the simulated world.
#include "tests/simulation/broker_node.hpp"

namespace tubes::simulation {

using core::ContactAddress;
using core::TubeId;
using core::ports::AccountName;
using core::ports::Pin;

std::vector<Pin> MemoryTrust::pins(const AccountName& account, const ContactAddress& contact) const {
    const auto found = pins_.find({account, contact.value});
    return found == pins_.end() ? std::vector<Pin>() : found->second;
}

result<void> MemoryTrust::put(const AccountName& account, const ContactAddress& contact, const Pin& pin) {
    if (broken) return make_error_code(Errc::limit_exceeded);
    auto& pins = pins_[{account, contact.value}];
    std::erase_if(pins, [&pin](const Pin& other) { return other.key == pin.key; });
    pins.push_back(pin);
    return {};
}

result<void> MemoryTrust::remove(const AccountName& account, const ContactAddress& contact,
                                 const core::PublicKey& key) {
    std::erase_if(pins_[{account, contact.value}], [&key](const Pin& pin) { return pin.key == key; });
    return {};
}

Policy MemoryPolicies::policy(const AccountName&, const ContactAddress&, const std::string& service,
                              Direction direction) const {
    const auto& table = direction == Direction::incoming ? incoming : offered;
    const auto found = table.find(service);
    return found == table.end() ? Policy::ask : found->second;
}

World::World(ServerModel model, std::uint64_t seed) : crypto(seed), server(scheduler, model), reach(scheduler) {}

BrokerNode::BrokerNode(World& world, const std::string& contact, const std::string& resource, std::uint64_t key_seed,
                       core::BrokerLimits limits, const std::string& protocol)
    : self{{contact}, contact + "/" + resource},
      identity(key_seed),
      direct(world.reach, PathKind::direct_tls, std::chrono::milliseconds(0)),
      relay(world.reach, PathKind::ice_relayed, std::chrono::milliseconds(250)),
      world_(world) {
    core::Broker::Environment environment;
    environment.scheduler = &world.scheduler;
    environment.crypto = &world.crypto;
    environment.trust = &trust_store;
    environment.policies = &policies;
    environment.transports = {&relay, &direct};
    broker = core::Broker::make(environment, limits, {}, *this);
    auto connection = world.server.make_connection(contact, resource, protocol);
    (void)broker->add_connection(contact, std::move(connection), identity);
}

BrokerNode::~BrokerNode() {
    applications.clear();
}

TubeId BrokerNode::connect(const std::string& contact, const std::string& service, std::chrono::milliseconds deadline) {
    core::ConnectSpec spec;
    spec.account = self.contact.value;
    spec.contact = {contact};
    spec.service = service;
    spec.deadline = deadline;
    auto id = std::make_shared<TubeId>();
    *id = broker->connect(spec, [this, id](result<core::TubeStatus> outcome) { outcomes.emplace(*id, outcome); });
    return *id;
}

void BrokerNode::share(const std::string& service, std::vector<std::string> audience, Policy policy) {
    core::ShareSpec spec;
    spec.service = service;
    spec.policy = policy;
    for (auto& contact : audience) spec.audience.push_back({contact});
    (void)broker->share(spec);
}

void BrokerNode::trust(const BrokerNode& other) {
    (void)trust_store.put(self.contact.value, other.self.contact, Pin{other.identity.public_key(), true, false, 1});
}

void BrokerNode::answer(bool accept) {
    const auto id = broker->pending().back().id;
    broker->answer(id, accept, [this](result<core::TubeStatus> outcome) { answered = outcome; });
}

void BrokerNode::on_stream(const TubeId&, std::shared_ptr<core::Stream> stream) {
    auto application = std::make_unique<TestApplication>(std::move(stream));
    application->keeps = true;
    auto* echo = application.get();
    applications.push_back(std::move(application));
    echo->on_any_data = [echo] {
        if (echo->text.ends_with("?")) echo->send_text("echo");
    };
}

bool BrokerNode::carries_data(const TubeId& tube, BrokerNode&) {
    auto stream = broker->open_stream(tube);
    if (!stream) return false;
    TestApplication application(*stream);
    application.keeps = true;
    application.send_text("hello?");
    return world_.until([&application] { return application.text == "echo"; }, std::chrono::seconds(90));
}

std::optional<error_code> BrokerNode::failure(const TubeId& tube) const {
    const auto found = outcomes.find(tube);
    if (found == outcomes.end() || found->second) return std::nullopt;
    return found->second.error();
}

bool BrokerNode::is_open(const TubeId& tube) const {
    for (const auto& status : broker->tubes()) {
        if (status.id == tube && status.state == core::TubeState::open) return true;
    }
    return false;
}

std::size_t BrokerNode::open_tubes() const {
    std::size_t count = 0;
    for (const auto& status : broker->tubes()) {
        if (status.state == core::TubeState::open) ++count;
    }
    return count;
}

}  // namespace tubes::simulation
