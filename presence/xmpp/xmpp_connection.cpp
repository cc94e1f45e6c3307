// SPDX-License-Identifier: GPL-3.0-or-later
// The port's object: checks the configuration, owns the client.
#include "presence/xmpp/xmpp_connection.hpp"

#include <algorithm>

#include "presence/xmpp/client.hpp"
#include "presence/xmpp/xmpp_carrier.hpp"

namespace tubes::presence::xmpp {
namespace {

using core::ports::Connection;

class XmppConnection final : public Connection {
public:
    explicit XmppConnection(std::shared_ptr<Client> client) : client_(std::move(client)) {}
    ~XmppConnection() override { client_->abandon(); }
    XmppConnection(const XmppConnection&) = delete;
    XmppConnection& operator=(const XmppConnection&) = delete;

    void start(Handler& handler) override { client_->start(handler); }
    void close() override { client_->close(); }
    core::ports::ConnectionInfo info() const override { return client_->info(); }
    core::ports::ConnectionState state() const override { return client_->state(); }
    std::vector<core::ports::Contact> contacts() const override { return client_->contacts(); }

    void send_signal(const core::PeerAddress& to, core::Signal signal, std::chrono::milliseconds deadline,
                     SignalCallback callback) override {
        client_->send_signal(to, signal, deadline, std::move(callback));
    }

    void send_web_signal(const core::PeerAddress& to, core::ports::WebSignal signal) override {
        client_->send_web_signal(to, signal);
    }

    result<core::ContactAddress> parse_contact(std::string_view text) const override {
        if (text.starts_with("xmpp:")) text.remove_prefix(5);  // RFC 5122
        const auto jid = Jid::parse(text);
        if (!jid || jid->local().empty()) return make_error_code(Errc::invalid_argument);
        return jid->contact();
    }

    result<void> request_subscription(const core::ContactAddress& contact) override {
        return client_->send_subscription(contact, "subscribe");
    }
    result<void> answer_subscription(const core::ContactAddress& contact, bool allow) override {
        return client_->send_subscription(contact, allow ? "subscribed" : "unsubscribed");
    }
    result<void> remove_contact(const core::ContactAddress& contact) override {
        return client_->remove_contact(contact);
    }
    void network_changed() override { client_->network_changed(); }
    void find_ice_servers(std::function<void(std::vector<core::ports::IceServer>)> callback) override {
        client_->find_ice_servers(std::move(callback));
    }
    core::ports::Rooms* rooms() override { return &client_->rooms(); }
    std::shared_ptr<core::ports::PeerCarrier> carrier(const core::PeerAddress& peer) override {
        return make_xmpp_carrier(client_, peer);
    }

private:
    std::shared_ptr<Client> client_;
};

result<core::Digest> parse_fingerprint(std::string text) {
    std::erase(text, ':');
    return core::Digest::from_hex(text);
}

result<Client::Checked> check(const XmppConfiguration& configuration, std::string& detail) {
    const auto bad = make_error_code(Errc::invalid_argument);
    Client::Checked checked;
    const auto account = Jid::parse(configuration.address);
    if (!account || account->local().empty() || !account->is_bare()) {
        detail = "an XMPP address looks like name@example.org";
        return bad;
    }
    checked.account = *account;
    checked.ascii_domain = *ascii_domain(account->domain());  // parse() has tried
    checked.keeps_resource = !configuration.resource.empty();
    checked.resource = configuration.resource;
    if (checked.keeps_resource && !account->with_resource(checked.resource)) {
        detail = "the resource has forbidden characters or is too long";
        return bad;
    }
    if (!configuration.pinned_certificate.empty()) {
        const auto pinned = parse_fingerprint(configuration.pinned_certificate);
        detail = "a certificate's SHA-256 fingerprint has 64 hexadecimal digits";
        if (!pinned) return bad;
        checked.pinned = *pinned;
    }
    detail = "a presence priority lies between -128 and 127";
    if (configuration.priority < -128 || configuration.priority > 127) return bad;
    detail = "there is nobody to ask for the password";
    if (!configuration.password) return bad;
    detail.clear();
    return checked;
}

}  // namespace

result<std::unique_ptr<Connection>> make_xmpp_connection(boost::asio::any_io_executor executor,
                                                         XmppConfiguration configuration, std::string& detail) {
    auto checked = check(configuration, detail);
    if (!checked) return checked.error();
    auto client = std::make_shared<Client>(std::move(executor), std::move(configuration), std::move(*checked));
    return std::unique_ptr<Connection>(std::make_unique<XmppConnection>(std::move(client)));
}

}  // namespace tubes::presence::xmpp
