// SPDX-License-Identifier: GPL-3.0-or-later
// From a domain to hosts: the order of SRV records, a DNS server of the test's own, and its failures.
#include "presence/xmpp/resolver.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "presence/xmpp/connector.hpp"

namespace tubes::presence::xmpp {
namespace {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;

TEST(SrvOrder, FollowsPriorityThenWeight) {
    const std::vector<SrvRecord> records = {{"c", 1, 20, 0, false}, {"a", 1, 10, 1, false}, {"b", 1, 10, 3, true}};
    std::vector<std::uint32_t> limits;
    const auto highest = [&](std::uint32_t limit) {
        limits.push_back(limit);
        return limit;
    };
    const auto targets = order_targets(records, highest);
    ASSERT_EQ(targets.size(), 3U);
    EXPECT_EQ(targets[0], (Target{"b", 1, true}));
    EXPECT_EQ(targets[1].host, "a");
    EXPECT_EQ(targets[2].host, "c");
    EXPECT_EQ(limits, (std::vector<std::uint32_t>{4, 1, 0}));
    EXPECT_EQ(order_targets(records, [](auto) { return 0; })[0].host, "a");
    EXPECT_TRUE(order_targets({{".", 0, 0, 0, false}}, highest).empty());
    EXPECT_EQ(order_targets(std::vector<SrvRecord>(100, {"a", 1, 1, 1, false}), highest).size(), kMaxTargets);
}

/// Answers SRV queries and A queries for "xmpp.*" (127.0.0.1); NXDOMAIN for the rest.
class DnsServer {
public:
    explicit DnsServer(boost::asio::io_context& loop) : socket_(loop, {boost::asio::ip::address_v4::loopback(), 0}) {
        receive();
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }
    /// Name -> answers, each the record's data.
    std::map<std::string, std::vector<std::string>> records;
    std::vector<std::string> asked;

    static std::string srv(std::uint16_t priority, std::uint16_t port, const std::string& host) {
        return number(priority) + number(0) + number(port) + encode(host);
    }

private:
    static std::string number(std::uint16_t value) {
        return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
    }
    static std::string encode(const std::string& name) {
        std::string out;
        for (std::size_t at = 0; at < name.size();) {
            const auto dot = std::min(name.find('.', at), name.size());
            out += static_cast<char>(dot - at) + name.substr(at, dot - at);
            at = dot + 1;
        }
        return out + '\0';
    }
    void receive() {
        socket_.async_receive_from(boost::asio::buffer(buffer_), from_, [this](auto error, std::size_t size) {
            if (error) return;
            if (size > 17) answer(std::string(buffer_.data(), size));
            receive();
        });
    }
    void answer(const std::string& query) {
        std::string name;
        std::size_t at = 12;
        while (at < query.size() && query[at] != 0) {
            const auto length = static_cast<std::size_t>(query[at]);
            name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
            at += length + 1;
        }
        const std::string question = query.substr(12, at + 5 - 12);
        const char type = query[at + 2];
        asked.push_back(name);
        const auto found = records.find(name + (type == 1 ? "/A" : type == 28 ? "/AAAA" : ""));
        const bool known = found != records.end();
        const bool exists = known || records.contains(name + "/A");
        const auto count = static_cast<std::uint16_t>(known ? found->second.size() : 0);
        std::string reply = query.substr(0, 2) + number(exists ? 0x8180 : 0x8183) + number(1) + number(count) +
                            number(0) + number(0) + question;
        for (std::uint16_t i = 0; i < count; ++i) {
            reply += number(0xc00c) + number(static_cast<std::uint16_t>(type)) + number(1) + number(0) + number(60) +
                     number(static_cast<std::uint16_t>(found->second[i].size())) + found->second[i];
        }
        socket_.send_to(boost::asio::buffer(reply), from_);
    }

    udp::socket socket_;
    udp::endpoint from_;
    std::array<char, 1024> buffer_{};
};

class ResolverTest : public testing::Test {
protected:
    std::vector<Target> targets_of(const std::string& domain, Failure& why_not) {
        Resolver resolver(loop.get_executor(), dns.address());
        std::optional<std::vector<Target>> found;
        resolver.find_targets(domain, [&](auto targets, auto why) {
            found = targets;
            why_not = why;
        });
        EXPECT_FALSE(found);  // never inside the call
        while (!found && loop.run_one_for(std::chrono::seconds(5)) > 0) {
        }
        return found.value_or(std::vector<Target>());
    }

    boost::asio::io_context loop;
    DnsServer dns{loop};
    Failure failure;
};

TEST_F(ResolverTest, PutsDirectTlsAndStarttlsRecordsInOneOrder) {
    dns.records["_xmpp-client._tcp.a.test"] = {DnsServer::srv(5, 5222, "one.a.test"),
                                               DnsServer::srv(20, 5222, "two.a.test")};
    dns.records["_xmpps-client._tcp.a.test"] = {DnsServer::srv(10, 443, "tls.a.test")};
    const auto targets = targets_of("a.test", failure);
    ASSERT_EQ(targets.size(), 3U);
    EXPECT_EQ(targets[0], (Target{"one.a.test", 5222, false}));
    EXPECT_EQ(targets[1], (Target{"tls.a.test", 443, true}));
    EXPECT_EQ(targets[2], (Target{"two.a.test", 5222, false}));
}

TEST_F(ResolverTest, FallsBackToTheDomainItself) {
    EXPECT_EQ(targets_of("b.test", failure), (std::vector{Target{"b.test", 5222, false}}));
    EXPECT_EQ(targets_of("127.0.0.1", failure), (std::vector{Target{"127.0.0.1", 5222, false}}));
    dns.records["_xmpp-client._tcp.c.test"] = {DnsServer::srv(0, 0, "")};
    EXPECT_TRUE(targets_of("c.test", failure).empty());
    EXPECT_EQ(failure.code, Errc::network_unreachable);
    EXPECT_NE(failure.detail.find("offers no XMPP"), std::string::npos);
}

class ConnectorTest : public ResolverTest {
protected:
    Failure connect(std::chrono::milliseconds timeout = std::chrono::seconds(5)) {
        auto connector =
            std::make_shared<Connector>(loop.get_executor(), ConnectPlan{"a.test", {}, dns.address(), timeout});
        std::optional<Failure> outcome;
        connector->start([&](tcp::socket socket, const Target& target, const Failure& why) {
            connected = socket.is_open();
            reached = target;
            outcome = why;
        });
        while (!outcome && loop.run_one_for(std::chrono::seconds(10)) > 0) {
        }
        connector->cancel();
        return outcome.value_or(Failure{});
    }
    static std::string address(const std::string& text) {
        const auto bytes = boost::asio::ip::make_address_v4(text).to_bytes();
        return {bytes.begin(), bytes.end()};
    }

    tcp::acceptor acceptor{loop, {boost::asio::ip::address_v4::loopback(), 0}};
    bool connected = false;
    Target reached;
};

TEST_F(ConnectorTest, GoesOnToTheNextHostWhenOneRefuses) {
    dns.records["_xmpp-client._tcp.a.test"] = {DnsServer::srv(1, 1, "dead.a.test"),
                                               DnsServer::srv(2, acceptor.local_endpoint().port(), "live.a.test")};
    dns.records["dead.a.test/A"] = {address("127.0.0.1")};
    dns.records["live.a.test/A"] = {address("127.0.0.2"), address("127.0.0.1")};
    const auto failure_seen = connect();
    EXPECT_FALSE(failure_seen.code) << failure_seen.detail;
    EXPECT_TRUE(connected);
    EXPECT_EQ(reached.host, "live.a.test");
}

TEST_F(ConnectorTest, TriesIpv4WhereIpv6IsBroken) {
    dns.records["_xmpp-client._tcp.a.test"] = {DnsServer::srv(1, acceptor.local_endpoint().port(), "dual.a.test")};
    dns.records["dual.a.test/A"] = {address("127.0.0.1")};
    dns.records["dual.a.test/AAAA"] = {std::string(15, '\0') + '\1'};  // ::1, where nobody listens
    EXPECT_FALSE(connect().code);
    EXPECT_TRUE(connected);
}

TEST_F(ConnectorTest, SaysThatTheHostIsUnknown) {
    const auto seen = connect();
    EXPECT_EQ(seen.code, Errc::network_unreachable);
    EXPECT_EQ(seen.detail, "unknown host a.test");
}

TEST_F(ConnectorTest, SaysThatNobodyListens) {
    dns.records["_xmpp-client._tcp.a.test"] = {DnsServer::srv(1, 1, "dead.a.test")};
    dns.records["dead.a.test/A"] = {address("127.0.0.1")};
    EXPECT_EQ(connect().detail, "connection refused by dead.a.test (127.0.0.1) port 1");
}

}  // namespace
}  // namespace tubes::presence::xmpp
