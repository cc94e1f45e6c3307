// SPDX-License-Identifier: GPL-3.0-or-later
// One node shares a service, another opens a tube to it; callbacks only, one thread, no account.
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <iostream>
#include <string>

#include "tubes/engine.hpp"

namespace asio = boost::asio;
using tubes::error_code;

namespace {

const std::string kGreeting = "hello through the tube\n";

int fail(const char* what, const error_code& error) {
    std::cerr << what << ": " << error.message() << "\n";
    return 1;
}

}  // namespace

int main() {
    asio::io_context context;
    tubes::NodeOptions options;
    options.executor = context.get_executor();
    options.profile = "callback-sample";
    auto server = tubes::open_node(options);
    auto client = tubes::open_node(options);
    if (!server || !client) return fail("cannot start", (server ? client : server).error());

    int status = 1;
    const auto stop = [&] { server->close(), client->close(); };
    tubes::Share share;
    tubes::Tube tube;
    tubes::Stream sender;
    tubes::Stream receiver;
    std::string text(kGreeting.size(), '\0');

    tubes::ShareOptions offered;
    offered.service = "greeting";
    offered.policy = tubes::Policy::always;
    server->async_share(offered, [&](error_code error, tubes::Share shared) {
        if (error) return fail("cannot share", error), stop();
        share = std::move(shared);
        share.async_accept([&](error_code, tubes::Stream accepted) {
            sender = std::move(accepted);
            asio::async_write(sender, asio::buffer(kGreeting), [](error_code, std::size_t) {});
        });
    });

    // Waits until the other node is seen, so that the order of these two calls does not matter.
    tubes::ConnectOptions wanted;
    wanted.service = "greeting";
    client->async_connect(wanted, [&](error_code error, tubes::Tube opened) {
        if (error) return fail("cannot connect", error), stop();
        tube = std::move(opened);
        tube.async_open_stream([&](error_code refused, tubes::Stream stream) {
            if (refused) return fail("no stream", refused), stop();
            receiver = std::move(stream);
            asio::async_read(receiver, asio::buffer(text), [&](error_code broken, std::size_t) {
                if (!broken) std::cout << text, status = 0;
                stop();
            });
        });
    });
    context.run();
    return status;
}
