// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the local protocol: meeting, signals, presence, hostile and dead nodes.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <filesystem>

#include "presence/local/frame.hpp"
#include "presence/local/local_connection.hpp"
#include "tests/support/scratch_directory.hpp"

namespace tubes::presence::local {
namespace {

namespace asio = boost::asio;
using namespace core;
using core::ports::Connection;
using core::ports::ConnectionState;

struct Listener : Connection::Handler {
    void on_state(ConnectionState state, error_code reason, const std::string&) override {
        states.push_back(state);
        last_reason = reason;
    }
    void on_contact(const ports::Contact& contact) override { self = contact; }
    void on_contact_removed(const ContactAddress&) override {}
    void on_subscription_request(const ContactAddress&, const std::string&) override {}
    void on_signal(const ports::SignalOrigin& origin, Signal signal, Connection::Responder respond) override {
        origins.push_back(origin);
        signals.push_back(std::move(signal));
        if (hold) {
            held.push_back(std::move(respond));
        } else {
            respond(SignalReply{});
        }
    }

    std::vector<ConnectionState> states;
    error_code last_reason;
    ports::Contact self;
    std::vector<ports::SignalOrigin> origins;
    std::vector<Signal> signals;
    std::vector<Connection::Responder> held;
    bool hold = false;
};

struct TestNode {
    TestNode(asio::io_context& context, const std::filesystem::path& directory, const std::string& name)
        : connection(make_local_connection(context.get_executor(), {directory, name})) {
        connection->start(listener);
    }
    Listener listener;
    std::unique_ptr<Connection> connection;
};

class LocalPresence : public ::testing::Test {
protected:
    template <class Condition>
    bool until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            context_.restart();
            context_.run_one_for(std::chrono::milliseconds(50));
        }
        return condition();
    }
    std::unique_ptr<TestNode> node(const std::string& name) {
        return std::make_unique<TestNode>(context_, meeting_place(), name);
    }
    std::filesystem::path meeting_place() const { return directory_.path() / "nodes"; }

    test::ScratchDirectory directory_;
    asio::io_context context_;
};

PeerAddress peer(const std::string& name) {
    return {ContactAddress{"local"}, "local/" + name};
}

TEST_F(LocalPresence, NodesOfOneUserSeeEachOtherComeAndGo) {
    auto alice = node("alice");
    auto bob = node("bob");
    auto carol = node("carol");
    for (auto* each : {&alice, &bob, &carol}) {
        EXPECT_TRUE(until([&] { return (*each)->listener.self.peers.size() == 2; }));
    }
    bob.reset();
    EXPECT_TRUE(
        until([&] { return alice->listener.self.peers.size() == 1 && carol->listener.self.peers.size() == 1; }));
    EXPECT_EQ(alice->listener.self.peers[0].address, peer("carol"));
    EXPECT_FALSE(std::filesystem::exists(meeting_place() / "bob.node"));
}

TEST_F(LocalPresence, SignalsArriveInOrderFromAVouchedSender) {
    auto alice = node("alice");
    auto bob = node("bob");
    ASSERT_TRUE(until([&] { return alice->listener.self.peers.size() == 1; }));
    int answered = 0;
    std::vector<LinkId> sent;
    for (int i = 0; i < 50; ++i) {
        sent.push_back(LinkId::random());
        alice->connection->send_signal(
            peer("bob"), LinkPending{sent.back()}, std::chrono::seconds(5),
            [&](const result<SignalReply>& reply) { answered += reply.has_value() ? 1 : 0; });
    }
    EXPECT_TRUE(until([&] { return answered == 50; }));
    ASSERT_EQ(bob->listener.signals.size(), 50U);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(std::get<LinkPending>(bob->listener.signals[i]).link, sent[i]);
    EXPECT_TRUE(bob->listener.origins[0].same_user);
    EXPECT_EQ(bob->listener.origins[0].from, peer("alice"));
}

TEST_F(LocalPresence, ErrorsAndDeadlinesReachTheSender) {
    auto alice = node("alice");
    auto bob = node("bob");
    ASSERT_TRUE(until([&] { return alice->listener.self.peers.size() == 1; }));
    bob->listener.hold = true;
    std::vector<error_code> errors;
    const auto collect = [&](const result<SignalReply>& reply) {
        errors.push_back(reply ? error_code() : reply.error());
    };
    alice->connection->send_signal(peer("bob"), PingSignal{}, std::chrono::seconds(5), collect);
    ASSERT_TRUE(until([&] { return bob->listener.held.size() == 1; }));
    bob->listener.held[0](make_error_code(Errc::not_available));
    EXPECT_TRUE(until([&] { return errors.size() == 1; }));
    EXPECT_EQ(errors[0], Errc::not_available);

    alice->connection->send_signal(peer("bob"), PingSignal{}, std::chrono::milliseconds(20), collect);
    EXPECT_TRUE(until([&] { return errors.size() == 2; }));
    EXPECT_EQ(errors[1], Errc::timed_out);

    alice->connection->send_signal(peer("bob"), PingSignal{}, std::chrono::seconds(5), collect);
    ASSERT_TRUE(until([&] { return bob->listener.held.size() == 3; }));
    bob.reset();
    EXPECT_TRUE(until([&] { return errors.size() == 3; }));
    EXPECT_EQ(errors[2], Errc::offline);

    alice->connection->send_signal(peer("nobody"), PingSignal{}, std::chrono::seconds(5), collect);
    EXPECT_TRUE(until([&] { return errors.size() == 4; }));
    EXPECT_EQ(errors[3], Errc::offline);
}

TEST_F(LocalPresence, ANameInUseIsRefusedAndADeadNodesNameIsTakenOver) {
    auto alice = node("alice");
    ASSERT_TRUE(until([&] { return alice->connection->state() == ConnectionState::online; }));
    auto second = node("alice");
    ASSERT_TRUE(until([&] { return second->listener.last_reason.failed(); }));
    EXPECT_EQ(second->listener.last_reason, Errc::already_exists);

    // What a killed process leaves behind: a socket file on which nobody listens.
    { asio::local::stream_protocol::acceptor dead(context_, (meeting_place() / "zoe.node").native()); }
    auto zoe = node("zoe");
    EXPECT_TRUE(until([&] { return zoe->connection->state() == ConnectionState::online; }));
}

TEST_F(LocalPresence, ADirectoryOpenToOthersIsRefused) {
    std::filesystem::create_directories(meeting_place());
    ASSERT_EQ(::chmod(meeting_place().c_str(), 0755), 0);
    auto alice = node("alice");
    ASSERT_TRUE(until([&] { return alice->listener.last_reason.failed(); }));
    EXPECT_EQ(alice->listener.last_reason, Errc::not_available);
}

TEST_F(LocalPresence, GarbageEndsOnlyItsOwnSession) {
    auto alice = node("alice");
    auto bob = node("bob");
    ASSERT_TRUE(until([&] { return alice->listener.self.peers.size() == 1; }));
    asio::local::stream_protocol::socket intruder(context_);
    intruder.connect((meeting_place() / "alice.node").native());
    const base::Bytes garbage(64, 0xff);
    asio::write(intruder, asio::buffer(garbage));
    bool closed = false;
    base::Bytes sink(4096);
    std::function<void()> drain = [&] {
        intruder.async_read_some(asio::buffer(sink), [&](error_code error, std::size_t) {
            if (error) {
                closed = true;
            } else {
                drain();
            }
        });
    };
    drain();
    EXPECT_TRUE(until([&] { return closed; }));
    EXPECT_EQ(alice->listener.self.peers.size(), 1U);
}

TEST(LocalFrame, RoundTripsAndRefusesWhatItCannotBe) {
    const Frame frame{FrameType::request, 0x0102030405060708, {1, 2, 3}};
    auto bytes = encode(frame);
    auto partial = base::Bytes(bytes.begin(), bytes.end() - 1);
    EXPECT_FALSE(take_frame(partial).value().has_value());
    const auto taken = take_frame(bytes).value();
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->id, frame.id);
    EXPECT_EQ(taken->payload, frame.payload);
    EXPECT_TRUE(bytes.empty());

    for (base::Bytes bad :
         {base::Bytes{0, 0, 0, 1, 1}, base::Bytes{0xff, 0, 0, 9}, encode({static_cast<FrameType>(9), 1, {}})}) {
        EXPECT_EQ(take_frame(bad).error(), Errc::protocol_violation);
    }
    EXPECT_EQ(parse_hello(make_hello("node-1")).value(), "node-1");
    EXPECT_FALSE(parse_hello(base::Bytes{9, 'a'}).has_value());
    EXPECT_FALSE(parse_hello(make_hello("a/b")).has_value());
}

}  // namespace
}  // namespace tubes::presence::local
