// SPDX-License-Identifier: GPL-3.0-or-later
// The local protocol as the core's port.
#include "presence/local/local_connection.hpp"

#include "presence/local/hub.hpp"

namespace tubes::presence::local {
namespace {

using namespace core;
using core::ports::Connection;
using core::ports::ConnectionState;

/// The port; the hub behind it may outlive it by an operation in flight.
class LocalConnection final : public Connection {
public:
    LocalConnection(boost::asio::any_io_executor executor, LocalConfiguration configuration)
        : hub_(std::make_shared<Hub>(std::move(executor), std::move(configuration))) {}
    ~LocalConnection() override { hub_->detach(); }

    void start(Handler& handler) override { hub_->start(handler); }
    void close() override { hub_->close(); }
    ConnectionState state() const override { return hub_->state(); }
    std::vector<core::ports::Contact> contacts() const override { return {hub_->self_contact()}; }

    core::ports::ConnectionInfo info() const override {
        core::ports::ConnectionInfo info;
        info.protocol = "local";
        info.self.value = kSelf;
        info.self_peer = hub_->peer_address(hub_->name());
        info.security = "Unix sockets, same user";
        return info;
    }

    void send_signal(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
                     SignalCallback callback) override {
        hub_->send(to, std::move(signal), deadline, std::move(callback));
    }

    result<ContactAddress> parse_contact(std::string_view text) const override {
        if (text.starts_with("local:")) return hub_->rooms().parse_room(text);
        if (!text.empty() && text != kSelf) return make_error_code(Errc::invalid_argument);
        return ContactAddress{std::string(kSelf)};
    }

    core::ports::Rooms* rooms() override { return &hub_->rooms(); }

    result<void> request_subscription(const ContactAddress&) override { return make_error_code(Errc::unsupported); }
    result<void> answer_subscription(const ContactAddress&, bool) override {
        return make_error_code(Errc::unsupported);
    }
    result<void> remove_contact(const ContactAddress&) override { return make_error_code(Errc::unsupported); }

    void find_ice_servers(std::function<void(std::vector<core::ports::IceServer>)> callback) override {
        hub_->no_ice_servers(std::move(callback));
    }

private:
    std::shared_ptr<Hub> hub_;
};

}  // namespace

std::unique_ptr<Connection> make_local_connection(boost::asio::any_io_executor executor,
                                                  LocalConfiguration configuration) {
    return std::make_unique<LocalConnection>(std::move(executor), std::move(configuration));
}

}  // namespace tubes::presence::local
