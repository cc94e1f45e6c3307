// SPDX-License-Identifier: GPL-3.0-or-later
// What the public API promises of streams: Asio's requirements, half-close, reset, and no byte lost to a cancellation.
#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <numeric>

#include "tests/contract/node/node_fixture.hpp"

namespace tubes::test {
namespace {

namespace asio = boost::asio;

static_assert(boost::beast::is_async_stream<Stream>::value);
static_assert(std::is_nothrow_move_constructible_v<Stream> && !std::is_copy_constructible_v<Stream>);

std::vector<std::uint8_t> pattern(std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 131 + i / 253);
    return bytes;
}

TEST_F(StreamContract, CarriesMegabytesBothWaysByAsiosComposedOperations) {
    const auto sent = pattern(3 * 1024 * 1024);
    std::vector<std::uint8_t> there(sent.size());
    std::vector<std::uint8_t> back(sent.size());
    auto reading = asio::async_read(far_, asio::buffer(there), kFuture);
    auto returning = asio::async_read(near_, asio::buffer(back), kFuture);
    auto writing = asio::async_write(near_, asio::buffer(sent), kFuture);
    auto answering = asio::async_write(far_, asio::buffer(sent), kFuture);
    EXPECT_EQ(value(std::move(writing)), sent.size());
    EXPECT_EQ(value(std::move(answering)), sent.size());
    EXPECT_EQ(value(std::move(reading)), sent.size());
    EXPECT_EQ(value(std::move(returning)), sent.size());
    EXPECT_EQ(there, sent);
    EXPECT_EQ(back, sent);
}

TEST_F(StreamContract, GathersAndScattersBufferSequences) {
    const auto sent = pattern(100'000);
    const std::vector<asio::const_buffer> out = {asio::buffer(sent.data(), 1), asio::buffer(sent.data() + 1, 0),
                                                 asio::buffer(sent.data() + 1, sent.size() - 1)};
    std::vector<std::uint8_t> got(sent.size());
    const std::vector<asio::mutable_buffer> in = {asio::buffer(got.data(), 50'000), asio::buffer(got.data(), 0),
                                                  asio::buffer(got.data() + 50'000, 50'000)};
    auto reading = asio::async_read(far_, in, kFuture);
    EXPECT_EQ(value(asio::async_write(near_, out, kFuture)), sent.size());
    EXPECT_EQ(value(std::move(reading)), sent.size());
    EXPECT_EQ(got, sent);
}

TEST_F(StreamContract, EmptyBuffersCompleteAtOnceWithNothing) {
    EXPECT_EQ(value(near_.async_read_some(asio::mutable_buffer(), kFuture)), 0U);
    EXPECT_EQ(value(near_.async_write_some(asio::const_buffer(), kFuture)), 0U);
}

TEST_F(StreamContract, HalfCloseEndsOneDirectionOnly) {
    value(asio::async_write(near_, asio::buffer("question", 8), kFuture));
    near_.shutdown_send();
    std::string text(16, '\0');
    auto reading = asio::async_read(far_, asio::buffer(text), kFuture);
    EXPECT_EQ(outcome(reading), asio::error::eof);
    EXPECT_EQ(text.substr(0, 8), "question");
    EXPECT_EQ(outcome(near_.async_write_some(asio::buffer("x", 1), kFuture)), asio::error::broken_pipe);
    value(asio::async_write(far_, asio::buffer("answer", 6), kFuture));
    EXPECT_EQ(value(asio::async_read(near_, asio::buffer(text, 6), kFuture)), 6U);
    EXPECT_EQ(text.substr(0, 6), "answer");
}

TEST_F(StreamContract, ADestroyedStreamIsResetAtTheOtherEnd) {
    char byte = 0;
    auto reading = far_.async_read_some(asio::buffer(&byte, 1), kFuture);
    near_ = Stream();
    EXPECT_EQ(outcome(reading), Errc::connection_reset);
}

TEST_F(StreamContract, ASecondReadBesideAnOutstandingOneIsRefused) {
    char byte = 0;
    auto first = near_.async_read_some(asio::buffer(&byte, 1), kFuture);
    char other = 0;
    EXPECT_EQ(outcome(near_.async_read_some(asio::buffer(&other, 1), kFuture)), Errc::invalid_argument);
    near_.cancel();
    EXPECT_EQ(outcome(first), Errc::cancelled);
}

// Cancellation races with data that arrives: whatever the read ended with, the sum of all reads is what was sent.
TEST_F(StreamContract, ACancelledReadLosesNoByte) {
    const auto sent = pattern(20'000);
    std::vector<std::uint8_t> got;
    std::size_t written = 0;
    std::size_t cancelled = 0;
    std::vector<std::uint8_t> room(37);
    const auto write_piece = [&] {
        const auto size = std::min(room.size(), sent.size() - written);
        EXPECT_EQ(value(asio::async_write(near_, asio::buffer(sent.data() + written, size), kFuture)), size);
        written += size;
    };
    for (int round = 0; got.size() < sent.size(); ++round) {
        ASSERT_LT(round, 1'000'000);
        asio::cancellation_signal signal;
        std::promise<std::pair<error_code, std::size_t>> done;
        far_.async_read_some(asio::buffer(room),
                             asio::bind_cancellation_slot(signal.slot(), [&](error_code error, std::size_t count) {
                                 done.set_value({error, count});
                             }));
        // The third read of three waits for data; of the others some race with it, some have none to wait for.
        if (round % 3 == 2 || round % 4 == 0) write_piece();
        if (round % 3 == 0) emit(signal, far_.get_executor());
        if (round % 3 == 1) far_.cancel();
        const auto [error, count] = given(done);
        ASSERT_TRUE(!error || error == Errc::cancelled) << error.message();
        ASSERT_TRUE(!error || count == 0);
        cancelled += error ? 1 : 0;
        got.insert(got.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(count));
    }
    EXPECT_EQ(got, sent);
    EXPECT_GT(cancelled, 0U);
}

}  // namespace
}  // namespace tubes::test
