// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the endpoints: a splice between a stream of a tube and a program's socket, listening and connecting.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/scratch_directory.hpp"
#include "tubes/endpoints/acceptor.hpp"
#include "tubes/endpoints/connector.hpp"
#include "tubes/endpoints/descriptor_stream.hpp"
#include "tubes/endpoints/socket_stream.hpp"
#include "tubes/endpoints/splice.hpp"

namespace tubes::endpoints {
namespace {

namespace asio = boost::asio;
using base::Bytes;
using base::ByteView;

/// The tube's side, played by the test: takes at most `room` bytes.
class FakeStream : public core::Stream {
public:
    core::TubeId tube() const override { return {}; }
    void set_handler(Handler* handler) override { handler_ = handler; }
    std::size_t write(ByteView data) override {
        const auto count = std::min(room, data.size());
        room -= count;
        written.insert(written.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(count));
        return count;
    }
    std::size_t writable_size() override { return room; }
    void consumed(std::size_t count) override { consumed_bytes += count; }
    void finish() override { finished = true; }
    void reset(Errc reason) override { reset_reason = reason; }
    result<void> send_datagram(ByteView) override { return make_error_code(Errc::unsupported); }
    std::size_t largest_datagram() const override { return 0; }
    std::size_t packet_datagram() const override { return 0; }
    core::FlowCounters flow_counters() const override { return {}; }
    std::uint64_t bytes_sent() const override { return written.size(); }
    std::uint64_t bytes_received() const override { return 0; }

    Handler* handler() const { return handler_; }

    std::size_t room = SIZE_MAX;
    Bytes written;
    std::size_t consumed_bytes = 0;
    bool finished = false;
    std::optional<Errc> reset_reason;

private:
    Handler* handler_ = nullptr;
};

class Endpoints : public ::testing::Test {
protected:
    // A splice keeps itself alive until it ends.
    void TearDown() override {
        if (const auto splice = splice_.lock()) splice->abort(Errc::cancelled);
    }

    template <class Condition>
    bool until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            context_.restart();
            context_.run_one_for(std::chrono::milliseconds(20));
        }
        return condition();
    }

    /// A splice whose program side is one end of a socket pair; the test holds the other.
    void splice() {
        asio::local::stream_protocol::socket inner(context_);
        program_.close();
        asio::local::connect_pair(inner, program_);
        GenericSocket socket(context_.get_executor(), {AF_UNIX, SOCK_STREAM}, inner.release());
        stream_ = std::make_shared<FakeStream>();
        splice_ = Splice::start(stream_, make_socket_stream(std::move(socket)),
                                [this](error_code reason) { outcome_ = reason; });
    }

    asio::io_context context_;
    asio::local::stream_protocol::socket program_{context_};
    std::shared_ptr<FakeStream> stream_;
    std::weak_ptr<Splice> splice_;
    std::optional<error_code> outcome_;
};

Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    base::fill_random(bytes);
    return bytes;
}

TEST_F(Endpoints, ASpliceCarriesBytesAndHalfClosesBothWays) {
    splice();
    asio::write(program_, asio::buffer("question", 8));
    EXPECT_TRUE(until([&] { return stream_->written.size() == 8; }));
    program_.shutdown(asio::socket_base::shutdown_send);
    EXPECT_TRUE(until([&] { return stream_->finished; }));

    const auto answer = pattern(1000);
    stream_->handler()->on_data(answer);
    stream_->handler()->on_end();
    Bytes received(2000);
    boost::system::error_code error;
    const auto count = asio::read(program_, asio::buffer(received), error);
    EXPECT_EQ(error, asio::error::eof);
    received.resize(count);
    EXPECT_EQ(received, answer);
    EXPECT_EQ(stream_->consumed_bytes, 1000U);
    stream_->handler()->on_closed({});
    EXPECT_TRUE(until([&] { return outcome_.has_value(); }));
    EXPECT_FALSE(outcome_->failed());
    EXPECT_TRUE(splice_.expired());
}

TEST_F(Endpoints, ASpliceThatIsCutOffLooksLikeAResetAndNotLikeTheEnd) {
    asio::ip::tcp::acceptor acceptor(context_, {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket program(context_);
    program.connect(acceptor.local_endpoint());
    GenericSocket inner(context_.get_executor(), {AF_INET, SOCK_STREAM}, acceptor.accept().release());
    stream_ = std::make_shared<FakeStream>();
    const auto splice = Splice::start(stream_, make_socket_stream(std::move(inner)), {});
    splice->abort(Errc::broken);
    EXPECT_EQ(stream_->reset_reason, Errc::broken);
    Bytes received(10);
    boost::system::error_code error;
    asio::read(program, asio::buffer(received), error);
    EXPECT_EQ(error, asio::error::connection_reset);
}

TEST_F(Endpoints, AFullTubeStopsTheProgramAndLosesNothing) {
    splice();
    stream_->room = 1000;
    const auto data = pattern(3 * 1024 * 1024);
    bool sent = false;
    asio::async_write(program_, asio::buffer(data), [&](error_code, std::size_t) { sent = true; });
    EXPECT_TRUE(until([&] { return stream_->room == 0; }));
    context_.restart();
    context_.poll();
    EXPECT_FALSE(sent);  // the program's writes are held back
    while (stream_->written.size() < data.size()) {
        stream_->room = 100 * 1000;
        stream_->handler()->on_writable();
        ASSERT_TRUE(until([&] { return stream_->room == 0 || stream_->written.size() == data.size(); }));
    }
    EXPECT_EQ(stream_->written, data);
}

TEST_F(Endpoints, ASlowProgramHoldsBackTheCreditUntilItReads) {
    splice();
    const auto data = pattern(4 * 1024 * 1024);
    stream_->handler()->on_data(data);
    stream_->handler()->on_end();
    EXPECT_LT(stream_->consumed_bytes, data.size());
    stream_->handler()->on_closed({});
    EXPECT_FALSE(outcome_.has_value());  // what the peer sent is still on its way to the program
    Bytes received(data.size());
    bool read = false;
    asio::async_read(program_, asio::buffer(received), [&](error_code error, std::size_t) { read = !error; });
    EXPECT_TRUE(until([&] { return read && outcome_.has_value(); }));
    EXPECT_EQ(received, data);
    EXPECT_FALSE(outcome_->failed());
}

TEST_F(Endpoints, ResetsPassThroughInBothDirections) {
    splice();
    stream_->handler()->on_closed(make_error_code(Errc::connection_reset));
    EXPECT_TRUE(until([&] { return outcome_.has_value(); }));
    EXPECT_EQ(*outcome_, Errc::connection_reset);

    outcome_.reset();
    splice();
    // A Unix socket closed with unread data is a reset for its peer.
    stream_->handler()->on_data(pattern(10));
    program_.close();
    EXPECT_TRUE(until([&] { return outcome_.has_value(); }));
    EXPECT_EQ(stream_->reset_reason, Errc::connection_reset);
}

TEST_F(Endpoints, ListeningOffLoopbackNeedsPermission) {
    ListenOptions options;
    options.endpoint = Endpoint::tcp("0.0.0.0", 0);
    EXPECT_EQ(listen(context_.get_executor(), options).error(), Errc::address_not_allowed);
    options.allow_remote = true;
    EXPECT_TRUE(listen(context_.get_executor(), options).has_value());
    options.endpoint = Endpoint::tcp("not-an-address", 0);
    EXPECT_EQ(listen(context_.get_executor(), options).error(), Errc::invalid_argument);
}

TEST_F(Endpoints, ATakenPortAndATakenSocketFileAreSaidToBeInUse) {
    ListenOptions options;
    options.endpoint = Endpoint::tcp("127.0.0.1", 0);
    const auto first = listen(context_.get_executor(), options);
    options.endpoint = first.value()->endpoint();
    EXPECT_NE(options.endpoint.port, 0);
    EXPECT_EQ(listen(context_.get_executor(), options).error(), Errc::address_in_use);

    const test::ScratchDirectory directory;
    options.endpoint = Endpoint::unix_path(directory / "socket");
    {
        const auto living = listen(context_.get_executor(), options);
        struct stat status {};
        ASSERT_EQ(::stat(options.endpoint.path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600U);
        EXPECT_EQ(listen(context_.get_executor(), options).error(), Errc::address_in_use);
    }
    EXPECT_FALSE(std::filesystem::exists(options.endpoint.path));
    { asio::local::stream_protocol::acceptor dead(context_, options.endpoint.path); }
    EXPECT_TRUE(listen(context_.get_executor(), options).has_value());
    { std::ofstream(options.endpoint.path) << "a file of the user's"; }
    EXPECT_EQ(listen(context_.get_executor(), options).error(), Errc::address_in_use);
    EXPECT_TRUE(std::filesystem::exists(options.endpoint.path));
}

TEST_F(Endpoints, ConnectingSaysWhyItFails) {
    const auto outcome_of = [&](const Endpoint& target) {
        std::optional<result<std::unique_ptr<LocalStream>>> outcome;
        async_connect(context_.get_executor(), target,
                      [&](result<std::unique_ptr<LocalStream>> stream) { outcome = std::move(stream); });
        EXPECT_FALSE(outcome.has_value());
        EXPECT_TRUE(until([&] { return outcome.has_value(); }));
        return outcome->has_value() ? error_code() : outcome->error();
    };
    asio::ip::tcp::acceptor server(context_, {asio::ip::address_v4::loopback(), 0});
    const auto port = server.local_endpoint().port();
    EXPECT_FALSE(outcome_of(Endpoint::tcp("127.0.0.1", port)));
    EXPECT_FALSE(outcome_of(Endpoint::tcp("localhost", port)));
    server.close();
    EXPECT_EQ(outcome_of(Endpoint::tcp("127.0.0.1", port)), Errc::connection_refused);
    EXPECT_EQ(outcome_of(Endpoint::unix_path("/nonexistent/socket")), Errc::not_found);
    EXPECT_EQ(outcome_of(Endpoint::unix_path(std::string(200, 'x'))), Errc::invalid_argument);
    EXPECT_EQ(outcome_of(Endpoint::in_process()), Errc::unsupported);
}

TEST_F(Endpoints, DescriptorsKeepTheirFlagsAndFilesWorkAsInput) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    std::FILE* file = std::tmpfile();
    std::fputs("from a file", file);
    std::fflush(file);
    std::rewind(file);
    const int flags = ::fcntl(pipe_ends[1], F_GETFL);
    {
        auto stream = make_descriptor_stream(context_.get_executor(), ::fileno(file), pipe_ends[1]).value();
        bool readable = false;
        stream->async_wait_readable([&](error_code) { readable = true; });
        EXPECT_TRUE(until([&] { return readable; }));
        Bytes data(100);
        EXPECT_EQ(stream->read(data).value(), 11U);
        EXPECT_EQ(stream->read(data).error(), Errc::end_of_stream);
        EXPECT_EQ(stream->write(base::as_bytes("out")).value(), 3U);
        const Bytes large(1024 * 1024);
        std::size_t total = 0;
        for (auto count = stream->write(large); count.has_value(); count = stream->write(large)) total += *count;
        EXPECT_GT(total, 0U);  // fills the pipe, never blocks
    }
    EXPECT_EQ(::fcntl(pipe_ends[1], F_GETFL), flags);
    std::fclose(file);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
}

}  // namespace
}  // namespace tubes::endpoints
