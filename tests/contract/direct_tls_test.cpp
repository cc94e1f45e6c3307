// SPDX-License-Identifier: GPL-3.0-or-later
// What a stranger finds at the listener of direct TLS, and which addresses are offered.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>

#include "tests/contract/attempts.hpp"
#include "tests/contract/path_pairs.hpp"
#include "transports/direct_tls/candidates.hpp"
#include "transports/direct_tls/direct_tls_transport.hpp"
#include "transports/streams/socket_stream.hpp"
#include "transports/tls/tls_description.hpp"
#include "transports/tls/tls_handshake.hpp"

namespace tubes::contract {
namespace {

using boost::asio::ip::tcp;
using transports::TlsContext;

class DirectTls : public testing::Test {
protected:
    DirectTls() : exchange(kind()) {}

    static TransportKind kind() {
        for (auto& kind : transport_kinds()) {
            if (kind.name == "DirectTls") return kind;
        }
        return {};
    }

    /// Starts the responder alone, which knows its peer, and returns where it listens on loopback.
    tcp::endpoint start_responder() {
        EXPECT_TRUE(exchange.make());
        exchange.responder.attempt->start(exchange.responder);
        EXPECT_TRUE(run_until(exchange.loop, [&] { return exchange.responder.candidates_ended; }));
        exchange.responder.attempt->set_remote_description({PathKind::direct_tls, transports::describe(*stranger)});
        for (const auto& candidate : exchange.responder.candidates) {
            const auto endpoint = transports::parse_tls_candidate(candidate);
            if (endpoint && endpoint->address().is_loopback() && endpoint->address().is_v4()) return *endpoint;
        }
        ADD_FAILURE() << "no loopback candidate";
        return {};
    }

    /// Sends `hello` to the listener and returns everything it says until it hangs up.
    std::string answer_to(const tcp::endpoint& endpoint, base::ByteView hello) {
        tcp::socket socket(exchange.loop);
        socket.connect(endpoint);
        boost::asio::write(socket, boost::asio::buffer(hello.data(), hello.size()));
        std::string answer;
        bool ended = false;
        boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer),
                                [&](const error_code&, std::size_t) { ended = true; });
        EXPECT_TRUE(run_until(exchange.loop, [&] { return ended; })) << "the listener did not hang up";
        return answer;
    }

    /// The ClientHello that a context would send.
    static base::Bytes hello_of(const TlsContext& context) {
        bool unused = false;
        const auto session = context.make_session(transports::TlsRole::client, &unused);
        BIO* out = BIO_new(BIO_s_mem());
        SSL_set_bio(session.get(), BIO_new(BIO_s_mem()), out);
        SSL_do_handshake(session.get());
        char* data = nullptr;
        const long size = BIO_get_mem_data(out, &data);
        const auto view = base::as_bytes({data, static_cast<std::size_t>(size)});
        return {view.begin(), view.end()};
    }

    std::shared_ptr<TlsContext> stranger = std::make_shared<TlsContext>();
    Exchange exchange;
};

TEST_F(DirectTls, SaysNotAByteToACallerWithAnotherToken) {
    const auto endpoint = start_responder();
    stranger->expect_peer(core::Digest::random(), transports::PathToken::random());
    EXPECT_EQ(answer_to(endpoint, hello_of(*stranger)), "");
}

TEST_F(DirectTls, AnswersACallerWithTheToken) {
    const auto endpoint = start_responder();
    const auto description = transports::parse_tls_description(exchange.responder.description->attributes);
    ASSERT_TRUE(description);
    stranger->expect_peer(description->fingerprint, description->token);
    tcp::socket socket(exchange.loop);
    socket.connect(endpoint);
    const auto hello = hello_of(*stranger);
    boost::asio::write(socket, boost::asio::buffer(hello));
    std::array<char, 5> record{};
    bool answered = false;
    boost::asio::async_read(socket, boost::asio::buffer(record),
                            [&](const error_code& error, std::size_t) { answered = !error; });
    EXPECT_TRUE(run_until(exchange.loop, [&] { return answered; }));
    EXPECT_EQ(record[0], 22) << "a handshake record";
}

TEST_F(DirectTls, SaysNotAByteToGarbage) {
    const auto endpoint = start_responder();
    EXPECT_EQ(answer_to(endpoint, base::as_bytes("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")), "");
    EXPECT_EQ(answer_to(endpoint, base::as_bytes(std::string(2000, '\xff'))), "");
    const std::string other_version("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10);
    EXPECT_EQ(answer_to(endpoint, base::as_bytes(other_version)), "");
}

TEST_F(DirectTls, StillReachesItsPeerWhileStrangersHoldConnections) {
    ASSERT_TRUE(exchange.make());
    std::vector<tcp::socket> strangers;
    const auto send = exchange.responder.send_candidate;
    exchange.responder.send_candidate = [&](const core::ports::Candidate& candidate) {
        const auto endpoint = transports::parse_tls_candidate(candidate);
        for (int index = 0; endpoint && index < 14; ++index) {
            strangers.emplace_back(exchange.loop);
            error_code ignored;
            strangers.back().connect(*endpoint, ignored);
        }
        send(candidate);
    };
    exchange.start();
    EXPECT_TRUE(exchange.reach());
}

TEST_F(DirectTls, ListensNoLongerThanItsAttempt) {
    const auto endpoint = start_responder();
    tcp::socket socket(exchange.loop);
    exchange.responder.attempt->close();
    error_code error;
    socket.connect(endpoint, error);
    EXPECT_EQ(error, boost::asio::error::connection_refused);
}

TEST_F(DirectTls, ListensNoLongerThanItTakesToOpenAPath) {
    ASSERT_TRUE(exchange.make());
    exchange.start();
    ASSERT_TRUE(exchange.reach());
    for (const auto* side : {&exchange.initiator, &exchange.responder}) {
        for (const auto& candidate : side->candidates) {
            tcp::socket socket(exchange.loop);
            error_code error;
            socket.connect(*transports::parse_tls_candidate(candidate), error);
            EXPECT_TRUE(error);
        }
    }
}

TEST_F(DirectTls, GivesEachSideOnePathEvenWhereManyConnectionsWork) {
    ASSERT_TRUE(exchange.make());
    exchange.start();
    ASSERT_TRUE(exchange.reach());
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    run_until(exchange.loop, [&] { return std::chrono::steady_clock::now() >= end; });
    EXPECT_EQ(exchange.initiator.paths, 1);
    EXPECT_EQ(exchange.responder.paths, 1);
}

TEST_F(DirectTls, ReachesAPathWhereOnlyOneSideCanBeDialled) {
    for (const bool initiator_listens : {true, false}) {
        Exchange other(kind());
        ASSERT_TRUE(other.make());
        (initiator_listens ? other.responder : other.initiator).send_candidate = nullptr;
        other.start();
        EXPECT_TRUE(other.reach()) << initiator_listens;
    }
}

TEST_F(DirectTls, HasNothingToTryWithRelaysOnly) {
    EXPECT_FALSE(exchange.make(AddressPolicy::relay_only));
    EXPECT_FALSE(exchange.initiator.attempt);
    EXPECT_FALSE(exchange.responder.attempt);
}

TEST_F(DirectTls, OffersLoopbackOnlyWhenAskedOrToTheSameUser) {
    for (const bool same_user : {false, true}) {
        boost::asio::io_context loop;
        transports::DirectTlsTransport transport(loop.get_executor());
        core::ports::AttemptParameters parameters;
        parameters.same_user = same_user;
        Side side;
        side.attempt = transport.make_attempt(parameters);
        side.attempt->start(side);
        ASSERT_TRUE(run_until(loop, [&] { return side.candidates_ended; }));
        bool offered = false;
        for (const auto& candidate : side.candidates) {
            offered |= transports::parse_tls_candidate(candidate)->address().is_loopback();
        }
        EXPECT_EQ(offered, same_user);
    }
}

}  // namespace
}  // namespace tubes::contract
