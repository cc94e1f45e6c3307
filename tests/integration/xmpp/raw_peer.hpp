// SPDX-License-Identifier: GPL-3.0-or-later
// A logged-in client that sends any XML it is told to, and answers nothing by itself: for malicious peers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "presence/xmpp/session.hpp"
#include "tests/integration/xmpp/person.hpp"

namespace tubes::presence::xmpp::test {

class RawPeer : private Session::Handler {
public:
    RawPeer(boost::asio::io_context& loop, const tubes::test::ServerFixture& server, const std::string& user);
    ~RawPeer() { session_->abort(); }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    bool log_in();
    void send(const std::string& xml) { session_->send_text(xml); }
    /// Waits for a stanza that contains `text`; empty if none comes.
    std::string wait_for(const std::string& text);
    /// The full address.
    const std::string& address() const { return address_; }

    std::vector<std::string> received;

private:
    void on_session_ready(const NegotiationOutcome& outcome) override { address_ = outcome.bound.full(); }
    void on_stanza(const Element& stanza) override { received.push_back(stanza.xml()); }
    void on_session_ended(error_code, const std::string&) override { address_.clear(); }

    boost::asio::io_context& loop_;
    StreamManagement management_;
    std::shared_ptr<Session> session_;
    std::string address_;
};

/// The value of the attribute `name` in the first element of `xml`.
std::string attribute_in(const std::string& xml, const std::string& name);

}  // namespace tubes::presence::xmpp::test
