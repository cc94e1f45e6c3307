// SPDX-License-Identifier: GPL-3.0-or-later
// Padding on framed paths: what leaves after a burst through a relay, and that a receiver skips it.
#include "transports/streams/framed_path.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>
#include <vector>

#include "transports/streams/socket_stream.hpp"

namespace tubes::transports {
namespace {

class Listener final : public core::ports::MessagePath::Handler {
public:
    void on_message(core::ports::Lane, base::ByteView message) override {
        messages.emplace_back(message.begin(), message.end());
    }
    void on_writable() override {}
    void on_closed(error_code error) override { reason = error; }
    std::vector<std::string> messages;
    std::optional<error_code> reason;
};

class Padding : public testing::Test {
protected:
    /// A path of that kind; the test holds the other end of its socket.
    void open(PathKind kind) {
        boost::asio::local::stream_protocol::socket inner(loop);
        boost::asio::local::connect_pair(inner, peer);
        path = std::make_unique<FramedPath>(loop.get_executor(), std::make_unique<SocketStream>(std::move(inner)),
                                            core::ports::PathInfo{kind, "", "", "test"}, core::Digest::random());
        path->start(listener);
    }
    /// What the path has sent after its timers had their time.
    std::string sent(std::chrono::milliseconds span) {
        loop.restart();
        loop.run_for(span);
        std::string bytes(peer.available(), 0);
        boost::asio::read(peer, boost::asio::buffer(bytes));
        return bytes;
    }

    boost::asio::io_context loop;
    boost::asio::local::stream_protocol::socket peer{loop};
    Listener listener;
    std::unique_ptr<FramedPath> path;
};

const std::string kMessage("\0\2\5hi", 5);
const std::string kPad("\0\0\xfe", 3);

TEST_F(Padding, FollowsABurstThroughARelayThreeTimesAndThenNoMore) {
    open(PathKind::socks5);
    ASSERT_TRUE(path->send(5, base::as_bytes("hi"), {}));
    EXPECT_EQ(sent(std::chrono::milliseconds(1500)), kMessage + kPad + kPad + kPad);
    EXPECT_EQ(sent(std::chrono::milliseconds(1200)), "");
}

TEST_F(Padding, IsNotSentOnOtherPaths) {
    open(PathKind::direct_tls);
    ASSERT_TRUE(path->send(5, base::as_bytes("hi"), {}));
    EXPECT_EQ(sent(std::chrono::milliseconds(300)), kMessage);
}

TEST_F(Padding, IsSkippedOnEveryPathAndMustBeEmpty) {
    open(PathKind::direct_tls);
    boost::asio::write(peer, boost::asio::buffer(kPad + kMessage + kPad));
    sent(std::chrono::milliseconds(50));
    EXPECT_EQ(listener.messages, std::vector<std::string>{"hi"});
    EXPECT_FALSE(listener.reason);
    boost::asio::write(peer, boost::asio::buffer(std::string("\0\1\xfe!", 4)));
    sent(std::chrono::milliseconds(50));
    EXPECT_EQ(listener.reason, make_error_code(Errc::protocol_violation));
}

}  // namespace
}  // namespace tubes::transports
