// SPDX-License-Identifier: GPL-3.0-or-later
// A session without a client around it.
#include "tests/integration/xmpp/raw_peer.hpp"

namespace tubes::presence::xmpp::test {

RawPeer::RawPeer(boost::asio::io_context& loop, const tubes::test::ServerFixture& server, const std::string& user)
    : loop_(loop) {
    SessionOptions options;
    const std::string domain = server.description().at("domain").get<std::string>();
    options.plan.domain = domain;
    options.plan.explicit_target = Target{server.address(), server.port("c2s"), false};
    options.tls = {domain, server.certificate_authority(), std::nullopt, false};
    options.negotiation.account = *Jid::parse(user + "@" + domain);
    options.negotiation.resource = "raw";
    options.password = [](const auto& receiver) { receiver(std::string("secret")); };
    Session::Handler& handler = *this;
    session_ = std::make_shared<Session>(loop.get_executor(), std::move(options), management_, handler);
}

bool RawPeer::log_in() {
    session_->start();
    if (!run_until(loop_, [&] { return !address_.empty(); })) return false;
    send("<presence><priority>5</priority></presence>");
    return true;
}

std::string RawPeer::wait_for(const std::string& text) {
    std::string found;
    run_until(loop_, [&] {
        for (const auto& xml : received) {
            if (xml.find(text) != std::string::npos) found = xml;
        }
        return !found.empty();
    });
    return found;
}

std::string attribute_in(const std::string& xml, const std::string& name) {
    const auto at = xml.find(" " + name + "='");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 3;
    return xml.substr(begin, xml.find('\'', begin) - begin);
}

}  // namespace tubes::presence::xmpp::test
