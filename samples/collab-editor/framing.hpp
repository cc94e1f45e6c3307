// SPDX-License-Identifier: GPL-3.0-or-later
// Messages on a byte stream: a tube's, or a child process's.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "samples/collab-editor/document.hpp"

namespace editor {

/// Memory is taken as bytes come, not as they are announced.
inline constexpr std::size_t kReadStep = 256u << 10;  // bytes

/// The next message; none at the end of the stream or after something that is not allowed.
template <class Stream>
boost::asio::awaitable<std::optional<Message>> read_message(std::shared_ptr<Stream> stream, Sender sender) {
    namespace asio = boost::asio;
    boost::system::error_code failure;
    std::string bytes(kHeadSize, '\0');
    co_await asio::async_read(*stream, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return std::nullopt;
    const auto head = read_head(bytes, sender);
    if (!head) co_return std::nullopt;
    std::string body;
    while (body.size() < head->body_size) {
        const std::size_t begun = body.size();
        body.resize(std::min(head->body_size, begun + kReadStep));
        co_await asio::async_read(*stream, asio::buffer(body.data() + begun, body.size() - begun),
                                  asio::redirect_error(asio::use_awaitable, failure));
        if (failure) co_return std::nullopt;
    }
    co_return make_message(head->type, std::move(body));
}

/// Writes what is delivered to a member until it is closed or the stream ends.
template <class Stream>
boost::asio::awaitable<void> write_messages(std::shared_ptr<Stream> stream, std::shared_ptr<Member> member) {
    namespace asio = boost::asio;
    boost::system::error_code failure;
    while (!failure) {
        const auto message = co_await member->next();
        if (!message) break;
        const std::string head = write_head(*message);
        const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(*message->body)};
        co_await asio::async_write(*stream, buffers, asio::redirect_error(asio::use_awaitable, failure));
    }
    stream->close();
}

}  // namespace editor
