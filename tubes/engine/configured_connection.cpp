// SPDX-License-Identifier: GPL-3.0-or-later
// Passes everything on and adds servers to one answer.
#include "tubes/engine/configured_connection.hpp"

namespace tubes::engine {
namespace {

using namespace core;
using namespace core::ports;

class ConfiguredConnection final : public Connection {
public:
    ConfiguredConnection(std::unique_ptr<Connection> inner, std::vector<IceServer> servers)
        : inner_(std::move(inner)), servers_(std::move(servers)) {}

    void start(Handler& handler) override { inner_->start(handler); }
    void close() override { inner_->close(); }
    ConnectionInfo info() const override { return inner_->info(); }
    ConnectionState state() const override { return inner_->state(); }
    std::vector<Contact> contacts() const override { return inner_->contacts(); }
    void send_signal(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
                     SignalCallback callback) override {
        inner_->send_signal(to, std::move(signal), deadline, std::move(callback));
    }
    result<ContactAddress> parse_contact(std::string_view text) const override { return inner_->parse_contact(text); }
    result<void> request_subscription(const ContactAddress& contact) override {
        return inner_->request_subscription(contact);
    }
    result<void> answer_subscription(const ContactAddress& contact, bool allow) override {
        return inner_->answer_subscription(contact, allow);
    }
    Rooms* rooms() override { return inner_->rooms(); }
    result<void> remove_contact(const ContactAddress& contact) override { return inner_->remove_contact(contact); }
    void find_ice_servers(std::function<void(std::vector<IceServer>)> callback) override {
        inner_->find_ice_servers([servers = servers_, callback = std::move(callback)](std::vector<IceServer> found) {
            auto all = servers;
            all.insert(all.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
            callback(std::move(all));
        });
    }
    std::shared_ptr<PeerCarrier> carrier(const PeerAddress& peer) override { return inner_->carrier(peer); }

private:
    std::unique_ptr<Connection> inner_;
    std::vector<IceServer> servers_;
};

}  // namespace

std::unique_ptr<Connection> with_ice_servers(std::unique_ptr<Connection> inner, std::vector<IceServer> servers) {
    if (servers.empty()) return inner;
    return std::make_unique<ConfiguredConnection>(std::move(inner), std::move(servers));
}

}  // namespace tubes::engine
