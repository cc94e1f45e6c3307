// SPDX-License-Identifier: GPL-3.0-or-later
// Accepts what others offer, with co_await: waits for an offer, looks at it, accepts it, and reads what comes.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <iostream>
#include <string>

#include "tubes/engine.hpp"

namespace asio = boost::asio;

namespace {

constexpr auto kAwait = asio::use_awaitable;

/// The other side: offers one tube to this user's other node and says something through it.
asio::awaitable<void> offer(tubes::Node& node) {
    tubes::OfferOptions options;
    options.contact = "local";
    options.service = "news";
    tubes::Share offered = co_await node.async_offer(options, kAwait);
    tubes::Stream stream = co_await offered.async_accept(kAwait);
    const std::string text = "this was offered to you\n";
    co_await asio::async_write(stream, asio::buffer(text), kAwait);
    char byte = 0;
    // Ends with the reader's close: only then may the stream and the offer go.
    co_await stream.async_read_some(asio::buffer(&byte, 1), asio::as_tuple(kAwait));
}

asio::awaitable<void> accept(tubes::Node& node) {
    tubes::Events events = node.events();
    for (;;) {
        tubes::Event event = co_await events.async_next(kAwait);
        const auto* asked = std::get_if<tubes::RequestPending>(&event);
        if (asked == nullptr || !asked->request.is_offer) continue;
        std::cout << asked->request.contact << " offers " << asked->request.service << "\n";
        tubes::Tube tube = co_await node.async_accept_offer(asked->request.id, kAwait);
        tubes::Stream stream = co_await tube.async_open_stream(kAwait);
        std::string text(64, '\0');
        const auto count = co_await stream.async_read_some(asio::buffer(text), kAwait);
        std::cout << text.substr(0, count);
        co_return;
    }
}

}  // namespace

int main() {
    asio::io_context context;
    tubes::NodeOptions options;
    options.executor = context.get_executor();
    options.profile = "offer-sample";
    auto giver = tubes::open_node(options);
    auto taker = tubes::open_node(options);
    if (!giver || !taker) {
        std::cerr << "cannot start: " << (giver ? taker : giver).error().message() << "\n";
        return 1;
    }
    int status = 0;
    asio::co_spawn(context, offer(*giver), asio::detached);
    asio::co_spawn(context, accept(*taker), [&](std::exception_ptr failure) {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            std::cerr << error.what() << "\n";
            status = 1;
        }
        giver->close();
        taker->close();
    });
    context.run();
    return status;
}
