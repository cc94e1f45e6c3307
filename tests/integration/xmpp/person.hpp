// SPDX-License-Identifier: GPL-3.0-or-later
// A person with an XMPP connection: starts it, waits for what should happen, and records what did.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "presence/xmpp/xmpp_connection.hpp"
#include "tests/support/server_fixture.hpp"

namespace tubes::presence::xmpp::test {

/// Runs `loop` until `done` or for at most ten seconds; whether it was done.
bool run_until(boost::asio::io_context& loop, const std::function<bool()>& done,
               std::chrono::milliseconds limit = std::chrono::seconds(10));

/// Runs `loop` for that long, to see that something does not happen.
void run_for(boost::asio::io_context& loop, std::chrono::milliseconds time);

/// For accounts of a server fixture, reached at its own ports and judged by its own authority.
XmppConfiguration configuration_for(const tubes::test::ServerFixture& server, const std::string& user,
                                    const std::string& password = "secret");

struct ReceivedSignal {
    core::ports::SignalOrigin origin;
    core::Signal signal;
};

class Person : public core::ports::Connection::Handler {
public:
    Person(boost::asio::io_context& loop, XmppConfiguration configuration);
    /// The connection runs on `executor`, whose context is `loop`.
    Person(boost::asio::io_context& loop, const boost::asio::any_io_executor& executor,
           XmppConfiguration configuration);

    core::ports::Connection& connection() { return *connection_; }
    core::ports::Connection* operator->() { return connection_.get(); }

    /// Starts and waits until online.
    bool log_in();
    bool wait_for_state(core::ports::ConnectionState state);
    /// Waits for a contact that satisfies `check`.
    bool wait_for_contact(const std::string& address, const std::function<bool(const core::ports::Contact&)>& check);
    /// Waits for a peer of that contact that speaks tubes; its address, or empty.
    core::PeerAddress find_peer(const std::string& contact);
    /// The same without waiting.
    core::PeerAddress find_peer_now(const std::string& contact) const;
    /// Sends and waits for the answer.
    result<core::SignalReply> ask(const core::PeerAddress& to, const core::Signal& signal,
                                  std::chrono::milliseconds deadline = std::chrono::seconds(5));
    core::PeerAddress address() { return connection_->info().self_peer; }

    // What happened.
    std::vector<core::ports::ConnectionState> states;
    error_code reason;  // the last that was not empty
    std::string detail;
    std::vector<std::string> removed;
    std::vector<std::string> subscription_requests;
    std::vector<ReceivedSignal> signals;
    std::vector<core::ports::RoomEvent> room_events;
    std::string mechanism;
    /// What to answer; "received" if not set.
    std::function<void(const ReceivedSignal&, core::ports::Connection::Responder)> on_request;

private:
    void on_state(core::ports::ConnectionState state, error_code why, const std::string& text) override;
    void on_contact(const core::ports::Contact& contact) override;
    void on_contact_removed(const core::ContactAddress& address) override;
    void on_subscription_request(const core::ContactAddress& from, const std::string& text) override;
    void on_signal(const core::ports::SignalOrigin& origin, core::Signal signal,
                   core::ports::Connection::Responder respond) override;
    void on_room_event(const core::ports::RoomEvent& event) override { room_events.push_back(event); }

    boost::asio::io_context& loop_;
    std::unique_ptr<core::ports::Connection> connection_;
    std::map<std::string, core::ports::Contact> contacts_;
};

}  // namespace tubes::presence::xmpp::test
