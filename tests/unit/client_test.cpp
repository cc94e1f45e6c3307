// SPDX-License-Identifier: GPL-3.0-or-later
// The public classes by themselves: endpoints as text, and objects that have no engine behind them.
#include <gtest/gtest.h>

#include <utility>

#include <boost/asio/io_context.hpp>

#include "tests/support/future_token.hpp"
#include "tubes/node.hpp"

namespace tubes {
namespace {

TEST(Endpoint, ReadsBackWhatItPrints) {
    for (const auto* text : {"127.0.0.1:8080", "[::1]:22", "example.org:443", "unix:/run/app.sock", "unix:@name"}) {
        const auto endpoint = Endpoint::parse(text);
        ASSERT_TRUE(endpoint) << text;
        EXPECT_EQ(endpoint->to_string(), text);
    }
}

TEST(Endpoint, TakesABarePortAsLoopback) {
    const auto endpoint = Endpoint::parse("8080");
    ASSERT_TRUE(endpoint);
    EXPECT_EQ(endpoint->kind, Endpoint::Kind::tcp);
    EXPECT_EQ(endpoint->host, "127.0.0.1");
    EXPECT_EQ(endpoint->port, 8080);
}

TEST(Endpoint, RefusesWhatIsNoEndpoint) {
    for (const auto* text : {"", ":", "host:", ":80", "65536", "-1", "80x", "host:80:90", "[::1]", "[]:80", "[host]:80",
                             "unix:", "unix:@", "a b:80", "::1:80", "tcp://x:80"}) {
        EXPECT_EQ(Endpoint::parse(text).error(), make_error_code(Errc::invalid_argument)) << text;
    }
    EXPECT_FALSE(Endpoint::parse("unix:" + std::string(108, 'x')));
}

TEST(EmptyObject, FailsItsOperationsInsteadOfCrashing) {
    Stream stream;
    Tube tube;
    Node node;
    Events events;
    Share share;
    char byte = 0;
    using test::kFuture;
    const auto code = [](auto future) { return std::get<0>(future.get()); };
    const auto expected = make_error_code(Errc::invalid_argument);
    EXPECT_EQ(code(stream.async_read_some(boost::asio::buffer(&byte, 1), kFuture)), expected);
    EXPECT_EQ(code(tube.async_open_stream(kFuture)), expected);
    EXPECT_EQ(code(node.async_status(kFuture)), expected);
    EXPECT_EQ(code(events.async_next(kFuture)), expected);
    EXPECT_EQ(code(share.async_accept(kFuture)), expected);
    EXPECT_FALSE(stream.is_open());
    EXPECT_TRUE(share.service().empty());
    stream.close();
    node.close();
}

TEST(ErrorCategory, IsTheSameWhereverTheLibraryIsCopied) {
    EXPECT_EQ(make_error_code(Errc::offline), Errc::offline);
    EXPECT_STREQ(tubes_category().name(), "tubes");
    EXPECT_NE(tubes_category(), boost::system::system_category());
}

}  // namespace
}  // namespace tubes
