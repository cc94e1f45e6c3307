// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of DTLS over a datagram path in memory: who may speak, loss, what both ends agree on.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/support/datagram_pair.hpp"
#include "transports/dtls/dtls_session.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using core::LinkRole;
using testing::DatagramWeather;
using testing::MemoryDatagramPath;

struct Peer final : DtlsSession::Events, DatagramPath::Handler {
    boost::asio::any_io_executor executor;
    std::shared_ptr<MemoryDatagramPath> lower;
    Certificate certificate = Certificate::generate();
    std::shared_ptr<DtlsSession> session;
    bool open = false;
    std::optional<error_code> closed;
    std::vector<std::string> received;

    Peer(boost::asio::any_io_executor loop, std::shared_ptr<MemoryDatagramPath> path)
        : executor(std::move(loop)), lower(std::move(path)), session(DtlsSession::create(executor, *lower)) {}
    ~Peer() { session->close(); }

    void start(LinkRole role, const core::Digest& expected) {
        session->open(role, certificate, expected, *this);
        session->set_handler(this);
    }
    void say(std::string_view text) {
        session->send(base::as_bytes(text));
        session->flush();
    }
    void on_dtls_open() override { open = true; }
    void on_dtls_closed(error_code reason) override { closed = reason; }
    void on_datagram(ByteView datagram) override { received.emplace_back(base::as_text(datagram)); }
};

class Dtls : public ::testing::Test {
protected:
    void make(const DatagramWeather& weather) {
        auto [a, b] = MemoryDatagramPath::make_pair(loop.get_executor(), loop.get_executor(), weather);
        client.emplace(loop.get_executor(), a);
        server.emplace(loop.get_executor(), b);
    }
    void start() {
        client->start(LinkRole::initiator, server->certificate.fingerprint());
        server->start(LinkRole::responder, client->certificate.fingerprint());
    }
    template <class Condition>
    bool run_until(Condition condition, std::chrono::seconds limit = 20s) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        loop.restart();
        while (!condition() && std::chrono::steady_clock::now() < deadline) loop.run_one_for(50ms);
        return condition();
    }

    boost::asio::io_context loop;
    std::optional<Peer> client, server;
};

TEST_F(Dtls, CarriesDatagramsAndBothEndsComputeTheSameBinding) {
    make({});
    start();
    ASSERT_TRUE(run_until([&] { return client->open && server->open; }));
    EXPECT_EQ(client->session->channel_binding(), server->session->channel_binding());
    EXPECT_NE(client->session->channel_binding(), core::Digest{});
    EXPECT_EQ(client->session->description(), "DTLS 1.2, ECDHE-ECDSA-AES128-GCM-SHA256");
    client->say("from the client");
    server->say("from the server");
    EXPECT_TRUE(run_until([&] { return !client->received.empty() && !server->received.empty(); }));
    EXPECT_EQ(server->received.front(), "from the client");
    EXPECT_EQ(client->received.front(), "from the server");
}

TEST_F(Dtls, TheLargestDatagramPassesAndALargerOneIsLost) {
    make({});
    start();
    ASSERT_TRUE(run_until([&] { return client->open && server->open; }));
    client->say(std::string(client->session->mtu() + 1, 'x'));
    client->say(std::string(client->session->mtu(), 'y'));
    EXPECT_TRUE(run_until([&] { return !server->received.empty(); }));
    EXPECT_EQ(server->received.front(), std::string(client->session->mtu(), 'y'));
}

TEST_F(Dtls, AnotherCertificateOfTheServerIsRefused) {
    make({});
    client->start(LinkRole::initiator, Certificate::generate().fingerprint());
    server->start(LinkRole::responder, client->certificate.fingerprint());
    ASSERT_TRUE(run_until([&] { return client->closed.has_value(); }));
    EXPECT_EQ(*client->closed, Errc::identity_mismatch);
    EXPECT_FALSE(client->open || server->open);
}

TEST_F(Dtls, AnotherCertificateOfTheClientIsRefused) {
    make({});
    client->start(LinkRole::initiator, server->certificate.fingerprint());
    server->start(LinkRole::responder, Certificate::generate().fingerprint());
    ASSERT_TRUE(run_until([&] { return server->closed.has_value(); }));
    EXPECT_EQ(*server->closed, Errc::identity_mismatch);
    EXPECT_FALSE(client->open || server->open);
}

TEST_F(Dtls, OpensThroughHeavyLoss) {
    for (std::uint32_t seed = 1; seed <= 5; ++seed) {
        make({.loss = 0.3, .delay = 1ms, .jitter = 1ms, .seed = seed});
        start();
        EXPECT_TRUE(run_until([&] { return client->open && server->open; })) << "seed " << seed;
    }
}

TEST_F(Dtls, AClientThatIsReadyFirstDoesNotWaitASecondForTheServer) {
    make({});
    client->start(LinkRole::initiator, server->certificate.fingerprint());
    run_until([&] { return client->lower->sent() >= 2; });
    const auto before = std::chrono::steady_clock::now();
    server->start(LinkRole::responder, client->certificate.fingerprint());
    ASSERT_TRUE(run_until([&] { return client->open && server->open; }));
    EXPECT_LT(std::chrono::steady_clock::now() - before, 500ms);
}

TEST_F(Dtls, DamagedAndForeignDatagramsAreIgnored) {
    make({});
    start();
    ASSERT_TRUE(run_until([&] { return client->open && server->open; }));
    client->lower->damage();
    client->say("damaged");
    client->lower->send(base::as_bytes("not DTLS at all"));
    server->say("still there");
    EXPECT_TRUE(run_until([&] { return !client->received.empty(); }));
    EXPECT_TRUE(server->received.empty());
    EXPECT_FALSE(server->closed || client->closed);
}

TEST_F(Dtls, ACloseReachesThePeerAsEndOfStream) {
    make({});
    start();
    ASSERT_TRUE(run_until([&] { return client->open && server->open; }));
    client->session->close();
    EXPECT_TRUE(run_until([&] { return server->closed.has_value(); }));
    EXPECT_EQ(*server->closed, Errc::end_of_stream);
    EXPECT_FALSE(client->closed);
}

}  // namespace
}  // namespace tubes::transports
