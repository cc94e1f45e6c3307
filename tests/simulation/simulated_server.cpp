// SPDX-License-Identifier: GPL-3.0-or-later
// Presence and signals of the simulated messaging server.
#include "tests/simulation/simulated_server.hpp"

namespace tubes::simulation {

using core::ContactAddress;
using core::PeerAddress;
using core::Signal;
using core::SignalReply;
using core::ports::Contact;
using core::ports::Subscription;
using Reply = std::function<void(result<SignalReply>)>;

SimulatedServer::SimulatedServer(SimulatedScheduler& scheduler, ServerModel server_model)
    : model(server_model), chat(scheduler), scheduler_(scheduler), random_(server_model.seed) {}

std::unique_ptr<SimulatedConnection> SimulatedServer::make_connection(const std::string& contact,
                                                                      const std::string& resource,
                                                                      const std::string& protocol) {
    return std::make_unique<SimulatedConnection>(*this, PeerAddress{{contact}, contact + "/" + resource}, protocol);
}

bool SimulatedServer::chance(double likelihood) {
    return likelihood > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < likelihood;
}

void SimulatedServer::enter(SimulatedConnection& connection) {
    devices_[connection.self_] = {&connection, true, true, true};
    broadcast(connection.self_.contact.value);
}

void SimulatedServer::leave(const PeerAddress& device) {
    if (devices_.erase(device) > 0) broadcast(device.contact.value);
}

void SimulatedServer::befriend(const std::string& a, const std::string& b) {
    set_subscription(a, b, Subscription::both);
    set_subscription(b, a, Subscription::both);
}

void SimulatedServer::set_subscription(const std::string& of, const std::string& to, Subscription subscription) {
    rosters_[of][to] = subscription;
    broadcast(to);
}

void SimulatedServer::remove_contact(const std::string& of, const std::string& contact) {
    rosters_[of].erase(contact);
    for (auto& [address, device] : devices_) {
        if (address.contact.value != of || !device.connection->handler_) continue;
        device.connection->handler_->on_contact_removed({contact});
    }
}

void SimulatedServer::set_present(const PeerAddress& device, bool present) {
    devices_[device].present = present;
    broadcast(device.contact.value);
}

void SimulatedServer::set_speaks_tubes(const PeerAddress& device, bool speaks) {
    devices_[device].speaks_tubes = speaks;
    broadcast(device.contact.value);
}

void SimulatedServer::set_online(const PeerAddress& device, bool online) {
    auto& found = devices_[device];
    found.online = found.present = online;
    auto& connection = *found.connection;
    connection.state_ = online ? core::ports::ConnectionState::online : core::ports::ConnectionState::reconnecting;
    connection.handler_->on_state(connection.state_, {}, "");
    broadcast(device.contact.value);
}

Contact SimulatedServer::view(const std::string& of, const std::string& contact, Subscription subscription) const {
    Contact seen;
    seen.address = {contact};
    seen.subscription = subscription;
    seen.is_self = of == contact;
    const bool visible = seen.is_self || subscription == Subscription::to || subscription == Subscription::both;
    for (const auto& [address, device] : devices_) {
        if (!visible || address.contact.value != contact || !device.present) continue;
        seen.peers.push_back({address, core::ports::Presence::online, device.speaks_tubes, "simulated"});
    }
    return seen;
}

std::vector<Contact> SimulatedServer::contacts_of(const std::string& contact) const {
    std::vector<Contact> all{view(contact, contact, Subscription::both)};
    const auto roster = rosters_.find(contact);
    if (roster == rosters_.end()) return all;
    for (const auto& [other, subscription] : roster->second) all.push_back(view(contact, other, subscription));
    return all;
}

void SimulatedServer::broadcast(const std::string& contact) {
    for (auto& [address, device] : devices_) {
        if (!device.online) continue;
        for (const auto& seen : contacts_of(address.contact.value)) {
            if (seen.address.value != contact) continue;
            std::weak_ptr<int> alive = device.connection->alive_;
            auto* connection = device.connection;
            scheduler_.post([alive, connection, seen] {
                if (!alive.expired() && connection->handler_) connection->handler_->on_contact(seen);
            });
        }
    }
}

void SimulatedServer::queue(const Route& route, std::function<void()> delivery, bool held) {
    if (model.manual) {
        routes_[route].push_back({std::move(delivery), held});
        return release(route);
    }
    auto arrival = scheduler_.now() + model.delay;
    if (model.jitter.count() > 0)
        arrival += core::Duration(random_() % static_cast<std::uint64_t>(model.jitter.count()));
    auto& last = last_arrival_[route];
    last = std::max(last, arrival);
    scheduler_.run_at(last, std::move(delivery));
}

std::vector<SimulatedServer::Route> SimulatedServer::waiting() const {
    std::vector<Route> routes;
    for (const auto& [route, deliveries] : routes_) {
        if (!deliveries.empty()) routes.push_back(route);
    }
    return routes;
}

void SimulatedServer::deliver(const Route& route) {
    auto delivery = std::move(routes_[route].front());
    routes_[route].pop_front();
    delivery.run();
    release(route);
}

void SimulatedServer::release(const Route& route) {
    auto& deliveries = routes_[route];
    while (!deliveries.empty() && !deliveries.front().held) {
        scheduler_.post(std::move(deliveries.front().run));
        deliveries.pop_front();
    }
}

void SimulatedServer::send(const PeerAddress& from, const PeerAddress& to, Signal signal,
                           std::chrono::milliseconds deadline, Reply callback) {
    ++sent;
    if (tap) tap(from, to, signal);
    // Exactly one of reply and deadline answers.
    auto answer = std::make_shared<Reply>(std::move(callback));
    const auto finish = [answer](result<SignalReply> reply) {
        if (auto call = std::exchange(*answer, nullptr)) call(std::move(reply));
    };
    scheduler_.run_after(deadline, [finish] { finish(make_error_code(Errc::timed_out)); });
    const auto respond = [this, from, to, finish](result<SignalReply> reply) {
        if (chance(model.loss)) return;
        queue(
            {to, from}, [finish, reply] { finish(reply); }, false);
    };
    if (chance(model.loss) || dead.contains(to)) return;
    const int copies = chance(model.repeat) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        const bool held = !holds || holds(signal);
        queue(
            {from, to}, [this, from, to, signal, respond] { hand_over(from, to, signal, respond); }, held);
    }
}

void SimulatedServer::hand_over(const PeerAddress& from, const PeerAddress& to, const Signal& signal,
                                const core::ports::Connection::Responder& respond) {
    if (const auto room = chat.room_of(to)) return chat.relay(from, to, *room, signal, respond);
    const bool bare = to.value == to.contact.value;
    bool found = false;
    for (auto& [address, device] : std::map<PeerAddress, Device>(devices_)) {
        const bool meant = bare ? address.contact == to.contact : address == to;
        if (!meant || !device.online || !device.connection->handler_) continue;
        found = true;
        core::ports::SignalOrigin origin;
        origin.from = from;
        const auto& roster = rosters_[to.contact.value];
        const auto entry = roster.find(from.contact.value);
        const bool subscribed =
            entry != roster.end() && (entry->second == Subscription::from || entry->second == Subscription::both);
        origin.may_see_presence = subscribed || from.contact == to.contact;
        origin.same_user = device.connection->protocol_ == "local" && from.contact == to.contact;
        device.connection->handler_->on_signal(origin, signal, bare ? [](result<SignalReply>) {} : respond);
    }
    if (!found && !bare) respond(make_error_code(Errc::offline));
}

void SimulatedServer::inject(const core::ports::SignalOrigin& origin, const PeerAddress& to, Signal signal,
                             Reply reply) {
    scheduler_.post([this, origin, to, signal = std::move(signal), reply = std::move(reply)] {
        const auto found = devices_.find(to);
        if (found == devices_.end() || !found->second.connection->handler_) return;
        found->second.connection->handler_->on_signal(
            origin, signal, reply ? reply : [](result<SignalReply>) {});
    });
}

SimulatedConnection::SimulatedConnection(SimulatedServer& server, PeerAddress self, std::string protocol)
    : server_(server), self_(std::move(self)), protocol_(std::move(protocol)), rooms_(server.chat, self_) {}

SimulatedConnection::~SimulatedConnection() {
    handler_ = nullptr;
    server_.leave(self_);
}

void SimulatedConnection::start(Handler& handler) {
    handler_ = &handler;
    rooms_.start(handler);
    state_ = core::ports::ConnectionState::connecting;
    std::weak_ptr<int> alive = alive_;
    server_.scheduler_.post([this, alive] {
        if (alive.expired()) return;
        state_ = core::ports::ConnectionState::online;
        server_.enter(*this);
        handler_->on_state(state_, {}, "");
        for (const auto& contact : contacts()) handler_->on_contact(contact);
    });
}

void SimulatedConnection::close() {
    std::weak_ptr<int> alive = alive_;
    server_.scheduler_.post([this, alive] {
        if (alive.expired() || state_ == core::ports::ConnectionState::offline) return;
        state_ = core::ports::ConnectionState::offline;
        server_.leave(self_);
        handler_->on_state(state_, {}, "");
    });
}

core::ports::ConnectionInfo SimulatedConnection::info() const {
    core::ports::ConnectionInfo info;
    info.protocol = protocol_;
    info.self = self_.contact;
    info.self_peer = self_;
    return info;
}

std::vector<Contact> SimulatedConnection::contacts() const {
    return server_.contacts_of(self_.contact.value);
}

void SimulatedConnection::send_signal(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
                                      SignalCallback callback) {
    std::weak_ptr<int> alive = alive_;
    auto guarded = [alive, callback = std::move(callback)](result<SignalReply> reply) {
        if (!alive.expired()) callback(std::move(reply));
    };
    if (state_ != core::ports::ConnectionState::online) {
        return server_.scheduler_.post([guarded] { guarded(make_error_code(Errc::not_connected)); });
    }
    server_.send(self_, to, std::move(signal), deadline, std::move(guarded));
}

result<ContactAddress> SimulatedConnection::parse_contact(std::string_view text) const {
    return ContactAddress{std::string(text)};
}

void SimulatedConnection::find_ice_servers(std::function<void(std::vector<core::ports::IceServer>)> callback) {
    server_.scheduler_.post([callback = std::move(callback), servers = server_.ice_servers] { callback(servers); });
}

}  // namespace tubes::simulation
