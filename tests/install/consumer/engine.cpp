// SPDX-License-Identifier: GPL-3.0-or-later
// Opens two nodes of the installed engine and reads a stream to its end.
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <future>
#include <string>
#include <tubes/engine.hpp>

namespace {

/// Sends "ok" and the end through a tube: whether the reader sees its own boost::asio::error::eof behind it.
bool reads_to_the_end(tubes::Node& server, tubes::Node& client) {
    using boost::asio::use_future;
    tubes::ShareOptions offered;
    offered.service = "greeting";
    offered.policy = tubes::Policy::always;
    auto share = server.async_share(offered, use_future).get();
    auto accepted = share.async_accept(use_future);
    tubes::ConnectOptions wanted;
    wanted.service = "greeting";
    auto tube = client.async_connect(wanted, use_future).get();
    auto receiver = tube.async_open_stream(use_future).get();
    auto sender = accepted.get();
    boost::asio::async_write(sender, boost::asio::buffer("ok", 2), use_future).get();
    sender.shutdown_send();
    std::string text;
    std::promise<tubes::error_code> end;
    boost::asio::async_read(receiver, boost::asio::dynamic_buffer(text),
                            [&end](tubes::error_code error, std::size_t) { end.set_value(error); });
    return end.get_future().get() == boost::asio::error::eof && text == "ok";
}

}  // namespace

int main(int argc, char** argv) {
    tubes::NodeOptions options;
    if (argc > 1) options.home = argv[1];
    auto node = tubes::open_node(options);
    if (!node) {
        std::printf("engine: %s\n", node.error().message().c_str());
        return node.error().category() == tubes::tubes_category() ? 2 : 3;
    }
    const tubes::Status status = node->async_status(boost::asio::use_future).get();
    std::printf("engine: %zu shares\n", status.shares.size());
    auto other = tubes::open_node(options);
    if (!other || !reads_to_the_end(*node, *other)) return 4;
    return status.shares.empty() ? 0 : 1;
}
