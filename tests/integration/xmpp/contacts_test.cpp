// SPDX-License-Identifier: GPL-3.0-or-later
// Contacts, subscriptions, devices and the services of real servers.
#include <gtest/gtest.h>

#include "tests/integration/xmpp/person.hpp"
#include "tests/integration/xmpp/server_kinds.hpp"

namespace tubes::presence::xmpp::test {
namespace {

using core::ports::ConnectionState;
using core::ports::Contact;
using core::ports::Subscription;
class XmppContacts : public WithServer {};
class XmppServices : public WithServer {};

TEST_P(XmppContacts, ShowEveryDeviceOfAContactAndOfOneself) {
    auto& server = start({"alice:secret", "bob:secret"});
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    Person bob1(loop, configuration_for(server, "bob"));
    auto bob2 = std::make_unique<Person>(loop, configuration_for(server, "bob"));
    ASSERT_TRUE(alice.log_in() && bob1.log_in() && bob2->log_in());
    const auto has_devices = [](std::size_t count) {
        return [count](const Contact& contact) {
            std::size_t speaking = 0;
            for (const auto& peer : contact.peers) speaking += peer.speaks_tubes && peer.client == "Tubes" ? 1 : 0;
            return speaking == count && contact.peers.size() == count;
        };
    };
    EXPECT_TRUE(alice.wait_for_contact("bob@tube.test", has_devices(2)));
    EXPECT_TRUE(bob1.wait_for_contact("bob@tube.test", has_devices(1)));
    EXPECT_TRUE(bob1.wait_for_contact("bob@tube.test", [](const Contact& self) { return self.is_self; }));
    (*bob2)->close();
    ASSERT_TRUE(bob2->wait_for_state(ConnectionState::offline));
    EXPECT_TRUE(alice.wait_for_contact("bob@tube.test", has_devices(1)));
    EXPECT_TRUE(bob1.wait_for_contact("bob@tube.test", has_devices(0)));
}

TEST_P(XmppContacts, AreMadeByAskingAndAllowingAndEndByRemoving) {
    auto& server = start({"alice:secret", "bob:secret"}, "");
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    Person bob(loop, configuration_for(server, "bob"));
    ASSERT_TRUE(alice.log_in() && bob.log_in());
    const auto bobs = *alice->parse_contact("xmpp:Bob@tube.test");
    EXPECT_EQ(bobs.value, "bob@tube.test");
    ASSERT_TRUE(alice->request_subscription(bobs));
    ASSERT_TRUE(run_until(loop, [&] { return !bob.subscription_requests.empty(); }));
    EXPECT_EQ(bob.subscription_requests, std::vector<std::string>{"alice@tube.test"});
    ASSERT_TRUE(bob->answer_subscription({"alice@tube.test"}, true));
    ASSERT_TRUE(bob->request_subscription({"alice@tube.test"}));
    ASSERT_TRUE(run_until(loop, [&] { return !alice.subscription_requests.empty(); }));
    ASSERT_TRUE(alice->answer_subscription(bobs, true));
    const auto is_mutual = [](const Contact& contact) { return contact.subscription == Subscription::both; };
    EXPECT_TRUE(alice.wait_for_contact("bob@tube.test", is_mutual));
    EXPECT_FALSE(alice.find_peer("bob@tube.test").value.empty());
    EXPECT_FALSE(bob.find_peer("alice@tube.test").value.empty());
    ASSERT_TRUE(alice->remove_contact(bobs));
    EXPECT_TRUE(run_until(loop, [&] { return !alice.removed.empty(); }));
    EXPECT_TRUE(bob.wait_for_contact("alice@tube.test", [](const Contact& contact) {
        return contact.subscription == Subscription::none && contact.peers.empty();
    }));
}

TEST_P(XmppContacts, CanBeRefused) {
    auto& server = start({"alice:secret", "bob:secret"}, "");
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    Person bob(loop, configuration_for(server, "bob"));
    ASSERT_TRUE(alice.log_in() && bob.log_in());
    ASSERT_TRUE(alice->request_subscription({"bob@tube.test"}));
    ASSERT_TRUE(run_until(loop, [&] { return !bob.subscription_requests.empty(); }));
    ASSERT_TRUE(bob->answer_subscription({"alice@tube.test"}, false));
    EXPECT_TRUE(alice.wait_for_contact(
        "bob@tube.test", [](const Contact& contact) { return contact.subscription == Subscription::none; }));
    EXPECT_EQ(alice->request_subscription({"not an address"}).error(), Errc::invalid_argument);
}

TEST_P(XmppServices, NameTurnServersWithCredentials) {
    auto& server = start({"alice:secret"});
    boost::asio::io_context loop;
    Person alice(loop, configuration_for(server, "alice"));
    ASSERT_TRUE(alice.log_in());
    for (int i = 0; i < 2; ++i) {  // the second time from the cache
        std::optional<std::vector<core::ports::IceServer>> found;
        alice->find_ice_servers([&](auto servers) { found = std::move(servers); });
        ASSERT_TRUE(run_until(loop, [&] { return found.has_value(); }));
        ASSERT_FALSE(found->empty());
        bool relay = false;
        for (const auto& entry : *found) {
            EXPECT_EQ(entry.host, "127.0.0.1");
            EXPECT_EQ(entry.port, 13478);
            relay = relay || (entry.scheme == core::ports::IceServer::Scheme::turn_udp && !entry.username.empty() &&
                              !entry.password.empty());
        }
        EXPECT_TRUE(relay);
    }
}

TUBES_WITH_EVERY_SERVER(XmppContacts);
TUBES_WITH_EVERY_SERVER(XmppServices);

}  // namespace
}  // namespace tubes::presence::xmpp::test
