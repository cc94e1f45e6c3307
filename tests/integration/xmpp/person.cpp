// SPDX-License-Identifier: GPL-3.0-or-later
// Waiting and recording.
#include "tests/integration/xmpp/person.hpp"

#include <algorithm>
#include <stdexcept>

namespace tubes::presence::xmpp::test {

using core::ports::Connection;
using core::ports::ConnectionState;
using core::ports::Contact;

bool run_until(boost::asio::io_context& loop, const std::function<bool()>& done, std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    loop.restart();
    while (!done()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        loop.run_one_until(std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(50)));
        if (loop.stopped()) loop.restart();
    }
    return true;
}

void run_for(boost::asio::io_context& loop, std::chrono::milliseconds time) {
    run_until(
        loop, [] { return false; }, time);
}

XmppConfiguration configuration_for(const tubes::test::ServerFixture& server, const std::string& user,
                                    const std::string& password) {
    XmppConfiguration configuration;
    configuration.address = user + "@" + server.description().at("domain").get<std::string>();
    configuration.password = [password](const auto& receiver) { receiver(password); };
    configuration.host = server.address();
    configuration.port = server.port("c2s");
    configuration.ca_file = server.certificate_authority();
    configuration.timings.first_retry = std::chrono::milliseconds(50);
    configuration.timings.last_retry = std::chrono::milliseconds(200);
    configuration.timings.logout = std::chrono::milliseconds(500);
    return configuration;
}

Person::Person(boost::asio::io_context& loop, XmppConfiguration configuration)
    : Person(loop, loop.get_executor(), std::move(configuration)) {}

Person::Person(boost::asio::io_context& loop, const boost::asio::any_io_executor& executor,
               XmppConfiguration configuration)
    : loop_(loop) {
    configuration.on_mechanism = [this](const std::string& seen) { mechanism = seen; };
    std::string why;
    auto made = make_xmpp_connection(executor, std::move(configuration), why);
    if (!made) throw std::runtime_error(why);
    connection_ = std::move(*made);
}

bool Person::log_in() {
    connection_->start(*this);
    return wait_for_state(ConnectionState::online);
}

bool Person::wait_for_state(ConnectionState state) {
    return run_until(loop_, [&] { return !states.empty() && states.back() == state; });
}

bool Person::wait_for_contact(const std::string& address, const std::function<bool(const Contact&)>& check) {
    return run_until(loop_, [&] {
        const auto found = contacts_.find(address);
        return found != contacts_.end() && check(found->second);
    });
}

core::PeerAddress Person::find_peer(const std::string& contact) {
    run_until(loop_, [&] { return find_peer_now(contact) != core::PeerAddress(); });
    return find_peer_now(contact);
}

core::PeerAddress Person::find_peer_now(const std::string& contact) const {
    const auto known = contacts_.find(contact);
    if (known == contacts_.end()) return {};
    for (const auto& peer : known->second.peers) {
        if (peer.speaks_tubes) return peer.address;
    }
    return {};
}

result<core::SignalReply> Person::ask(const core::PeerAddress& to, const core::Signal& signal,
                                      std::chrono::milliseconds deadline) {
    std::optional<result<core::SignalReply>> answer;
    connection_->send_signal(to, signal, deadline, [&](const result<core::SignalReply>& reply) { answer = reply; });
    if (answer) throw std::logic_error("answered inside the call");
    run_until(loop_, [&] { return answer.has_value(); });
    return answer ? *answer : result<core::SignalReply>(make_error_code(Errc::internal));
}

void Person::on_state(ConnectionState state, error_code why, const std::string& text) {
    states.push_back(state);
    if (why) {
        reason = why;
        detail = text;
    }
}

void Person::on_contact(const Contact& contact) {
    contacts_[contact.address.value] = contact;
}

void Person::on_contact_removed(const core::ContactAddress& address) {
    contacts_.erase(address.value);
    removed.push_back(address.value);
}

void Person::on_subscription_request(const core::ContactAddress& from, const std::string&) {
    subscription_requests.push_back(from.value);
}

void Person::on_signal(const core::ports::SignalOrigin& origin, core::Signal signal, Connection::Responder respond) {
    signals.push_back({origin, std::move(signal)});
    const ReceivedSignal received = signals.back();
    if (on_request) return on_request(received, std::move(respond));
    respond(core::SignalReply());
}

}  // namespace tubes::presence::xmpp::test
