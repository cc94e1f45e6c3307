// SPDX-License-Identifier: GPL-3.0-or-later
// An HTTP server and client (Boost.Beast) in one program, over a tube between two nodes, without any port.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <iostream>

#include "tubes/engine.hpp"

namespace asio = boost::asio;
namespace http = boost::beast::http;

asio::awaitable<void> serve(tubes::Share share) {
    auto stream = co_await share.async_accept(asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    co_await http::async_read(stream, buffer, request, asio::use_awaitable);
    http::response<http::string_body> response(http::status::ok, request.version());
    response.body() = "hello from the other end of " + std::string(request.target()) + "\n";
    response.prepare_payload();
    co_await http::async_write(stream, response, asio::use_awaitable);
    // The stream is destroyed with this coroutine: wait until the client has what it wanted.
    stream.shutdown_send();
    boost::system::error_code end;
    char byte = 0;
    co_await stream.async_read_some(asio::buffer(&byte, 1), asio::redirect_error(asio::use_awaitable, end));
}

asio::awaitable<void> meet(tubes::Node& node) {
    auto events = node.events();
    for (;;) {
        for (const auto& contact : co_await node.async_contacts(asio::use_awaitable)) {
            for (const auto& peer : contact.peers) {
                if (peer.speaks_tubes) co_return;
            }
        }
        co_await events.async_next(asio::use_awaitable);
    }
}

asio::awaitable<void> run(tubes::Node& server, tubes::Node& client) {
    tubes::ShareOptions options;
    options.service = "web";
    tubes::Share share = co_await server.async_share(options, asio::use_awaitable);
    asio::co_spawn(co_await asio::this_coro::executor, serve(std::move(share)), asio::detached);

    co_await meet(client);
    tubes::ConnectOptions connect;
    connect.service = "web";
    tubes::Tube tube = co_await client.async_connect(connect, asio::use_awaitable);
    tubes::Stream stream = co_await tube.async_open_stream(asio::use_awaitable);

    http::request<http::empty_body> request(http::verb::get, "/tube", 11);
    request.set(http::field::host, "tube");
    co_await http::async_write(stream, request, asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    co_await http::async_read(stream, buffer, response, asio::use_awaitable);
    std::cout << response.body();
}

int main() {
    asio::io_context context;
    tubes::NodeOptions options;
    options.executor = context.get_executor();
    options.profile = "beast-sample";
    auto server = tubes::open_node(options);
    auto client = tubes::open_node(options);
    if (!server || !client) {
        std::cerr << "cannot start: " << (server ? client : server).error().message() << "\n";
        return 1;
    }
    int status = 0;
    asio::co_spawn(context, run(*server, *client), [&](std::exception_ptr failure) {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            std::cerr << error.what() << "\n";
            status = 1;
        }
        server->close();
        client->close();
    });
    context.run();
    return status;
}
