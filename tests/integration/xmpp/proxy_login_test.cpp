// SPDX-License-Identifier: GPL-3.0-or-later
// Logging in through the user's proxy: tinyproxy for HTTP CONNECT, microsocks for SOCKS5.
#include <gtest/gtest.h>

#include "tests/integration/xmpp/person.hpp"

namespace tubes::presence::xmpp::test {
namespace {

using core::ports::ConnectionState;
using tubes::test::ServerFixture;
using tubes::test::start_prosody;

/// 127.0.0.1 for whoever resolves it, but none of this machine's own addresses for us, which need no proxy.
constexpr const char* kBehindTheProxy = "127.1";

class XmppProxy : public testing::TestWithParam<std::string> {
protected:
    XmppConfiguration configuration(const std::string& login, const std::vector<std::string>& options) {
        std::vector<std::string> arguments = {"--kind", GetParam()};
        arguments.insert(arguments.end(), options.begin(), options.end());
        proxy = std::make_unique<ServerFixture>("proxy.py", arguments);
        auto made = configuration_for(server, "alice");
        made.host = kBehindTheProxy;
        made.proxy =
            *base::parse_proxy(GetParam() + "://" + login + "127.0.0.1:" + std::to_string(proxy->port("proxy")));
        return made;
    }
    std::unique_ptr<Person> fail_to_log_in(const XmppConfiguration& with) {
        auto person = std::make_unique<Person>(loop, with);
        (*person)->start(*person);
        EXPECT_TRUE(person->wait_for_state(ConnectionState::offline));
        return person;
    }

    ServerFixture server{"prosody.py", {"--account", "alice:secret"}};
    boost::asio::io_context loop;
    std::unique_ptr<ServerFixture> proxy;
};

TEST_P(XmppProxy, IsGoneThroughWithUserAndPassword) {
    Person alice(loop, configuration("user:p%2Dss@", {"--user", "user", "--password", "p-ss"}));
    ASSERT_TRUE(alice.log_in()) << alice.detail;
    EXPECT_TRUE(alice->info().security.starts_with("TLS 1.3"));
    const auto shown = alice->info().server;
    EXPECT_NE(shown.find("through " + GetParam() + "://user@127.0.0.1"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("p-ss"), std::string::npos) << shown;
    proxy->command("kill");
    EXPECT_TRUE(alice.wait_for_state(ConnectionState::reconnecting)) << "the connection did not lead through the proxy";
}

TEST_P(XmppProxy, SaysThatThePasswordForTheProxyIsWrong) {
    const auto person = fail_to_log_in(configuration("user:guess@", {"--user", "user", "--password", "right"}));
    EXPECT_EQ(person->reason, Errc::authentication_failed) << person->detail;
    EXPECT_NE(person->detail.find("user and"), std::string::npos) << person->detail;
}

TEST_P(XmppProxy, SaysWhatTheProxyCannotReach) {
    auto with = configuration("", {});
    with.port = 1;
    const auto person = fail_to_log_in(with);
    EXPECT_EQ(person->reason, Errc::network_unreachable);
    EXPECT_NE(person->detail.find("127.1 port 1"), std::string::npos) << person->detail;
}

TEST_P(XmppProxy, SaysThatItIsNotThere) {
    auto with = configuration("", {});
    proxy->command("kill");
    const auto person = fail_to_log_in(with);
    EXPECT_EQ(person->reason, Errc::network_unreachable);
    EXPECT_NE(person->detail.find("cannot connect to 127.0.0.1 port"), std::string::npos) << person->detail;
}

INSTANTIATE_TEST_SUITE_P(Proxy, XmppProxy, testing::Values("http", "socks5"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace tubes::presence::xmpp::test
