// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/talk.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "samples/collab-editor/framing.hpp"

namespace editor {

namespace asio = boost::asio;

namespace {

bool is_hello(const std::optional<Message>& message) {
    return message && message->type == MessageType::hello && !message->body->empty() &&
           static_cast<std::uint8_t>(message->body->front()) == kProtocolVersion;
}

}  // namespace

asio::awaitable<void> talk(Document& document, tubes::Stream opened) {
    const auto executor = co_await asio::this_coro::executor;
    auto stream = std::make_shared<tubes::Stream>(std::move(opened));
    auto member = std::make_shared<Member>(executor, MemberKind::peer);
    member->deliver(make_message(MessageType::hello, std::string(1, static_cast<char>(kProtocolVersion))));
    asio::co_spawn(executor, write_messages(stream, member), asio::detached);
    asio::steady_timer pause(executor);
    const auto hello = co_await read_message(stream, Sender::peer);
    if (is_hello(hello)) {
        document.add(member);
        for (;;) {
            const auto message = co_await read_message(stream, Sender::peer);
            if (!message || !document.take(member, *message)) break;
            const auto delay = member->pause_after(message->size());
            if (delay.count() == 0) continue;
            pause.expires_after(delay);
            boost::system::error_code failure;
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
        }
    }
    document.remove(member);
}

}  // namespace editor
