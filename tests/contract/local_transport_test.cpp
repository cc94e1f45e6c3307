// SPDX-License-Identifier: GPL-3.0-or-later
// What only the same-machine path promises: who may take part, and what a squatter gains.
#include <gtest/gtest.h>

#include <boost/asio/local/stream_protocol.hpp>

#include "tests/contract/attempts.hpp"
#include "tests/contract/path_pairs.hpp"
#include "transports/local/machine.hpp"

namespace tubes::contract {
namespace {

using boost::asio::local::stream_protocol;

class LocalPath : public testing::TestWithParam<std::string> {
protected:
    LocalPath() : exchange(kind()) {}

    static TransportKind kind() {
        for (auto& kind : transport_kinds()) {
            if (kind.name == GetParam()) return kind;
        }
        return {};
    }
    static stream_protocol::endpoint endpoint_of(const std::string& name) {
        return stream_protocol::endpoint(std::string(1, '\0') + "tubes-" + name);
    }

    Exchange exchange;
};

TEST_P(LocalPath, FailsAtOnceWhenThePeerIsOnAnotherMachine) {
    ASSERT_TRUE(exchange.make());
    exchange.responder.send_description = [&](core::ports::TransportDescription description) {
        description.attributes["machine"] = core::Digest::random().hex();
        boost::asio::post(exchange.loop,
                          [&, description] { exchange.initiator.attempt->set_remote_description(description); });
    };
    exchange.start();
    ASSERT_TRUE(run_until(exchange.loop, [&] { return !exchange.initiator.failures.empty(); }));
    EXPECT_EQ(exchange.initiator.failures.front(), Errc::no_path);
}

TEST_P(LocalPath, HasNothingToTryWithRelaysOnly) {
    EXPECT_FALSE(exchange.make(AddressPolicy::relay_only));
}

TEST_P(LocalPath, TellsStrangersApartFromItsPeer) {
    ASSERT_TRUE(exchange.make());
    std::vector<stream_protocol::socket> strangers;
    const auto send = exchange.responder.send_description;
    exchange.responder.send_description = [&](const core::ports::TransportDescription& description) {
        for (int index = 0; index < 7; ++index) {
            strangers.emplace_back(exchange.loop);
            strangers.back().connect(endpoint_of(description.attributes.at("name")));
            boost::asio::write(strangers.back(), boost::asio::buffer(std::string(400, 'x')));
        }
        send(description);
    };
    exchange.start();
    EXPECT_TRUE(exchange.reach());
    EXPECT_EQ(exchange.responder.paths, 1);
}

TEST_P(LocalPath, GivesASquatterOnTheNameNothing) {
    ASSERT_TRUE(exchange.make());
    const auto name = core::LinkId::random().hex();
    stream_protocol::acceptor squatter(exchange.loop, endpoint_of(name));
    std::string heard;
    bool ended = false;
    squatter.async_accept([&](const error_code&, stream_protocol::socket accepted) {
        auto socket = std::make_shared<stream_protocol::socket>(std::move(accepted));
        boost::asio::async_write(*socket, boost::asio::buffer(std::string_view("0123456789abcdef0123456789abcdef")),
                                 [](const error_code&, std::size_t) {});
        boost::asio::async_read(*socket, boost::asio::dynamic_buffer(heard),
                                [&, socket](const error_code&, std::size_t) { ended = true; });
    });
    exchange.responder.send_description = [&](core::ports::TransportDescription description) {
        description.attributes["name"] = name;
        boost::asio::post(exchange.loop,
                          [&, description] { exchange.initiator.attempt->set_remote_description(description); });
    };
    exchange.start();
    ASSERT_TRUE(run_until(exchange.loop, [&] { return !exchange.initiator.failures.empty(); }));
    EXPECT_EQ(exchange.initiator.paths, 0);
    EXPECT_TRUE(run_until(exchange.loop, [&] { return ended; }));
    EXPECT_LT(heard.size(), 1000U) << "a token or a ClientHello at most";
}

TEST_P(LocalPath, ListensNoLongerThanItsAttempt) {
    ASSERT_TRUE(exchange.make());
    exchange.responder.attempt->start(exchange.responder);
    ASSERT_TRUE(run_until(exchange.loop, [&] { return exchange.responder.description.has_value(); }));
    const auto name = exchange.responder.description->attributes.at("name");
    exchange.responder.attempt.reset();
    stream_protocol::socket socket(exchange.loop);
    error_code error;
    socket.connect(endpoint_of(name), error);
    EXPECT_EQ(error, boost::asio::error::connection_refused);
}

TEST_P(LocalPath, SaysWhoIsAtTheOtherEnd) {
    ASSERT_TRUE(exchange.make());
    exchange.start();
    ASSERT_TRUE(exchange.reach());
    EXPECT_NE(exchange.initiator.path->info().remote_address.find("user " + std::to_string(::geteuid())),
              std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LocalPath, testing::Values("LocalSameUser", "LocalEncrypted"),
                         [](const auto& test) { return test.param; });

TEST(MachineMark, IsTheSameForALinkAndAnotherForTheNext) {
    const auto link = core::LinkId::random();
    ASSERT_TRUE(transports::machine_mark(link));
    EXPECT_EQ(transports::machine_mark(link), transports::machine_mark(link));
    EXPECT_NE(transports::machine_mark(link), transports::machine_mark(core::LinkId::random()));
}

}  // namespace
}  // namespace tubes::contract
