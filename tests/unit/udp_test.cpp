// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the UDP endpoints: a flow for each local program, one socket for each flow, bounds and errors.
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <deque>

#include "tubes/endpoints/udp.hpp"

namespace tubes::endpoints {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using base::Bytes;
using base::ByteView;

/// A flow of a tube, played by the test.
class FakeFlow : public core::Stream {
public:
    core::TubeId tube() const override { return {}; }
    void set_handler(Handler* handler) override { handler_ = handler; }
    std::size_t write(ByteView) override { return 0; }
    std::size_t writable_size() override { return 0; }
    void consumed(std::size_t) override {}
    void finish() override {}
    void reset(Errc reason) override { ended = reason; }
    result<void> send_datagram(ByteView datagram) override {
        if (datagram.size() > largest_datagram()) return make_error_code(Errc::message_too_large);
        sent.emplace_back(base::as_text(datagram));
        return {};
    }
    std::size_t largest_datagram() const override { return 2000; }
    std::size_t packet_datagram() const override { return 1000; }
    core::FlowCounters flow_counters() const override { return {}; }
    std::uint64_t bytes_sent() const override { return 0; }
    std::uint64_t bytes_received() const override { return 0; }

    void arrive(std::string_view datagram) { handler_->on_datagram(base::as_bytes(datagram)); }
    bool has_handler() const { return handler_ != nullptr; }
    void close(error_code reason) { std::exchange(handler_, nullptr)->on_closed(reason); }

    std::vector<std::string> sent;
    std::optional<Errc> ended;

private:
    Handler* handler_ = nullptr;
};

class Udp : public testing::Test {
protected:
    template <class Condition>
    bool until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            context_.restart();
            context_.run_one_for(std::chrono::milliseconds(20));
        }
        return condition();
    }

    void listen(const UdpLimits& limits = {}, const char* host = "127.0.0.1") {
        ListenOptions options;
        options.endpoint = Endpoint::udp(host, 0);
        listener_ = UdpListener::make(context_.get_executor(), options, limits).value();
        UdpEvents events;
        events.on_too_large = [this](std::size_t size, std::size_t largest) { too_large_.emplace_back(size, largest); };
        listener_->start(
            [this]() -> result<std::shared_ptr<core::Stream>> {
                flows_.push_back(std::make_shared<FakeFlow>());
                return std::shared_ptr<core::Stream>(flows_.back());
            },
            std::move(events));
    }
    udp::endpoint address() const {
        const auto endpoint = listener_->endpoint();
        return {asio::ip::make_address(endpoint.host), endpoint.port};
    }
    udp::socket program() { return udp::socket(context_, udp::endpoint(address().protocol(), 0)); }
    void say(udp::socket& socket, std::string_view text) { socket.send_to(asio::buffer(text), address()); }
    std::string hear(udp::socket& socket) {
        if (!until([&] { return socket.available() > 0; })) return "nothing";
        std::string text(3000, 0);
        text.resize(socket.receive(asio::buffer(text)));
        return text;
    }

    asio::io_context context_;
    std::unique_ptr<UdpListener> listener_;
    std::vector<std::shared_ptr<FakeFlow>> flows_;
    std::vector<std::pair<std::size_t, std::size_t>> too_large_;
};

TEST_F(Udp, EachProgramHasItsFlowAndGetsItsAnswers) {
    listen();
    auto first = program();
    auto second = program();
    say(first, "one");
    ASSERT_TRUE(until([&] { return flows_.size() == 1; }));
    say(second, "two");
    say(first, "");
    ASSERT_TRUE(until([&] { return flows_.size() == 2 && flows_[0]->sent.size() == 2; }));
    EXPECT_EQ(flows_[0]->sent, (std::vector<std::string>{"one", ""}));
    EXPECT_EQ(flows_[1]->sent, (std::vector<std::string>{"two"}));
    flows_[1]->arrive("for two");
    flows_[0]->arrive("for one");
    EXPECT_EQ(hear(first), "for one");
    EXPECT_EQ(hear(second), "for two");
}

TEST_F(Udp, WorksOverIpv6) {
    listen({}, "::1");
    auto socket = program();
    say(socket, "six");
    ASSERT_TRUE(until([&] { return !flows_.empty() && !flows_[0]->sent.empty(); }));
    flows_[0]->arrive("back");
    EXPECT_EQ(hear(socket), "back");
}

TEST_F(Udp, ADatagramThatIsTooLargeIsToldOnceWithItsSize) {
    listen();
    auto socket = program();
    say(socket, std::string(2500, 'x'));
    say(socket, std::string(2600, 'x'));
    say(socket, "small");
    ASSERT_TRUE(until([&] { return !flows_.empty() && !flows_[0]->sent.empty(); }));
    EXPECT_EQ(flows_[0]->sent, (std::vector<std::string>{"small"}));
    ASSERT_EQ(too_large_.size(), 1U);
    EXPECT_EQ(too_large_[0], (std::pair<std::size_t, std::size_t>(2500, 2000)));
}

TEST_F(Udp, ASilentFlowEndsAndTheNextDatagramBeginsAnother) {
    UdpLimits limits;
    limits.idle = std::chrono::milliseconds(50);
    listen(limits);
    auto socket = program();
    say(socket, "one");
    ASSERT_TRUE(until([&] { return !flows_.empty() && flows_[0]->ended; }));
    say(socket, "two");
    ASSERT_TRUE(until([&] { return flows_.size() == 2 && !flows_[1]->sent.empty(); }));
    EXPECT_FALSE(flows_[0]->has_handler());
}

TEST_F(Udp, AFlowThatThePeerEndedIsReplaced) {
    listen();
    auto socket = program();
    say(socket, "one");
    ASSERT_TRUE(until([&] { return !flows_.empty(); }));
    flows_[0]->close(make_error_code(Errc::timed_out));
    say(socket, "two");
    ASSERT_TRUE(until([&] { return flows_.size() == 2 && !flows_[1]->sent.empty(); }));
}

TEST_F(Udp, TooManySourcesPushOutNobodyWhoIsBusy) {
    UdpLimits limits;
    limits.sources = 2;
    listen(limits);
    std::deque<udp::socket> sockets;
    for (int i = 0; i < 5; ++i) say(sockets.emplace_back(program()), "hello");
    say(sockets[0], "again");
    ASSERT_TRUE(until([&] { return !flows_.empty() && flows_[0]->sent.size() == 2; }));
    EXPECT_EQ(flows_.size(), 2U);
    EXPECT_FALSE(flows_[0]->ended || flows_[1]->ended);
}

TEST_F(Udp, TheSourceThatWasSilentLongestGivesWay) {
    UdpLimits limits;
    limits.sources = 2;
    limits.spare = std::chrono::milliseconds(0);
    listen(limits);
    std::deque<udp::socket> sockets;
    for (int i = 0; i < 3; ++i) {
        say(sockets.emplace_back(program()), "hello");
        ASSERT_TRUE(until([&] { return flows_.size() == static_cast<std::size_t>(i) + 1; }));
    }
    EXPECT_TRUE(flows_[0]->ended);
    EXPECT_FALSE(flows_[1]->ended || flows_[2]->ended);
}

TEST_F(Udp, RefusesAddressesThatOthersCanReachAndTakenPorts) {
    ListenOptions options;
    options.endpoint = Endpoint::udp("0.0.0.0", 0);
    EXPECT_EQ(UdpListener::make(context_.get_executor(), options).error(), Errc::address_not_allowed);
    listen();
    options.endpoint = listener_->endpoint();
    EXPECT_EQ(UdpListener::make(context_.get_executor(), options).error(), Errc::address_in_use);
}

TEST_F(Udp, TheEndOfTheListenerEndsItsFlows) {
    listen();
    auto socket = program();
    say(socket, "one");
    ASSERT_TRUE(until([&] { return !flows_.empty(); }));
    listener_.reset();
    EXPECT_TRUE(flows_[0]->ended);
    EXPECT_FALSE(flows_[0]->has_handler());
}

class UdpTarget : public Udp {
protected:
    void join(const Endpoint& target, const UdpLimits& limits = {}) {
        flows_.push_back(std::make_shared<FakeFlow>());
        UdpEvents events;
        events.on_unreachable = [this](error_code reason) { unreachable_.push_back(reason); };
        events.on_too_large = [this](std::size_t size, std::size_t largest) { too_large_.emplace_back(size, largest); };
        joint_ = join_udp(context_.get_executor(), target, flows_.back(), std::move(events), limits);
    }
    void TearDown() override {
        if (joint_) joint_->abort(Errc::cancelled);
    }
    std::shared_ptr<Joint> joint_;
    std::vector<error_code> unreachable_;
};

TEST_F(UdpTarget, CarriesDatagramsBothWays) {
    udp::socket server(context_, {asio::ip::make_address("127.0.0.1"), 0});
    join(Endpoint::udp("localhost", server.local_endpoint().port()));
    ASSERT_TRUE(until([&] { return flows_[0]->has_handler(); }));
    flows_[0]->arrive("question");
    ASSERT_TRUE(until([&] { return server.available() > 0; }));
    std::string text(100, 0);
    udp::endpoint from;
    text.resize(server.receive_from(asio::buffer(text), from));
    EXPECT_EQ(text, "question");
    server.send_to(asio::buffer(std::string("answer")), from);
    server.send_to(asio::buffer(std::string(2100, 'x')), from);
    ASSERT_TRUE(until([&] { return !too_large_.empty(); }));
    EXPECT_EQ(flows_[0]->sent, (std::vector<std::string>{"answer"}));
}

TEST_F(UdpTarget, ReportsThatNobodyListensAndGoesOnWhenSomebodyDoes) {
    udp::socket server(context_, {asio::ip::make_address("127.0.0.1"), 0});
    const auto address = server.local_endpoint();
    server.close();
    join(Endpoint::udp("127.0.0.1", address.port()));
    flows_[0]->arrive("one");
    ASSERT_TRUE(until([&] { return !unreachable_.empty(); }));
    EXPECT_EQ(unreachable_.front(), Errc::connection_refused);
    flows_[0]->arrive("two");
    EXPECT_FALSE(flows_[0]->ended);
    udp::socket again(context_, address);
    flows_[0]->arrive("three");
    ASSERT_TRUE(until([&] { return again.available() > 0; }));
    EXPECT_EQ(unreachable_.size(), 1U) << "told once until it works again";
}

TEST_F(UdpTarget, AHostWithoutAnAddressEndsTheFlow) {
    join(Endpoint::udp("no-such-host.invalid", 53));
    ASSERT_TRUE(until([&] { return flows_[0]->ended.has_value(); }));
    EXPECT_EQ(flows_[0]->ended, Errc::connection_refused);
    EXPECT_EQ(unreachable_.size(), 1U);
}

TEST_F(UdpTarget, ASilentFlowEnds) {
    UdpLimits limits;
    limits.idle = std::chrono::milliseconds(25);
    udp::socket server(context_, {asio::ip::make_address("127.0.0.1"), 0});
    join(Endpoint::udp("127.0.0.1", server.local_endpoint().port()), limits);
    ASSERT_TRUE(until([&] { return flows_[0]->ended.has_value(); }));
    EXPECT_EQ(flows_[0]->ended, Errc::timed_out);
}

}  // namespace
}  // namespace tubes::endpoints
