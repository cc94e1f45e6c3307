// SPDX-License-Identifier: GPL-3.0-or-later
// What two editors say to each other on a tube's stream, and an editor to its page: typed messages, checked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tubes/error.hpp"

namespace editor {

/// The first byte of a message. The first five travel between machines, the others only between editor and page.
enum class MessageType : std::uint8_t {
    hello = 1,       ///< On a tube: the protocol version, one byte.
    update = 2,      ///< A Yjs update, opaque here.
    caught_up = 3,   ///< The sender has sent everything that it had when the connection began.
    awareness = 4,   ///< Cursor, selection and name (y-protocols/awareness), opaque here.
    chat = 5,        ///< {"name": ..., "text": ...}, opaque here.
    status = 16,     ///< To the page: title, connection, contacts, requests, as JSON.
    disk = 17,       ///< To the page: size (4 bytes) and state of what was saved last, then the file's text.
    save = 18,       ///< From the page: size (4 bytes) and state of the document, then its text.
    compact = 19,    ///< To the page: number of log records (4 bytes); back: the same and a state that covers them.
    invite = 20,     ///< From the page: a contact's address.
    answer = 21,     ///< From the page: "+" or "-" and the id of a request.
    saved = 22,      ///< To the page: the save is on disk.
    join = 23,       ///< From the page: a service and, after a space, who shares it.
    challenge = 24,  ///< To the page, first: a nonce. From the page, first: what proves it, see HttpGuard::welcome.
    welcome = 25,    ///< To the page: it is believed, and what proves the program.
};

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::size_t kMaxUpdateSize = 32u << 20;     // bytes; a pasted book is under 2 MB
inline constexpr std::size_t kMaxAwarenessSize = 64u << 10;  // bytes
inline constexpr std::size_t kMaxChatSize = 8u << 10;        // bytes
inline constexpr std::size_t kMaxPageMessage = 65u << 20;    // bytes; a save holds state and text

/// A message; the body is shared by all who get it.
struct Message {
    MessageType type = MessageType::hello;
    std::shared_ptr<const std::string> body;
    std::size_t size() const { return body->size(); }
};

Message make_message(MessageType type, std::string body = {});

/// Where a message comes from.
enum class Sender : std::uint8_t {
    peer,  ///< Another machine: not trusted.
    page,  ///< This program's page, or the child that keeps the file.
};

/// The largest body of a type; none for types that do not exist, or must not come from where it came.
std::optional<std::size_t> largest_body(MessageType type, Sender sender);

/// Checks one message of a WebSocket. protocol_violation, limit_exceeded.
tubes::result<Message> read_page_message(std::string_view bytes);
/// The bytes for a WebSocket.
std::string write_page_message(const Message& message);

/// The head of a message on a tube: length of type and body (4 bytes, big endian), type.
inline constexpr std::size_t kHeadSize = 5;
struct Head {
    MessageType type;
    std::size_t body_size;
};
/// Checks `kHeadSize` bytes before anything is allocated. protocol_violation, limit_exceeded.
tubes::result<Head> read_head(std::string_view bytes, Sender sender = Sender::peer);
std::string write_head(const Message& message);

std::uint32_t read_number(std::string_view bytes);
std::string write_number(std::uint32_t value);

}  // namespace editor
