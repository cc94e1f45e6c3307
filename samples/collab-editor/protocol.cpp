// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/protocol.hpp"

namespace editor {

Message make_message(MessageType type, std::string body) {
    return {type, std::make_shared<const std::string>(std::move(body))};
}

std::optional<std::size_t> largest_body(MessageType type, Sender sender) {
    const bool from_page = sender == Sender::page;
    switch (type) {
        case MessageType::hello: return 64;
        case MessageType::update: return kMaxUpdateSize;
        case MessageType::awareness: return kMaxAwarenessSize;
        case MessageType::chat: return kMaxChatSize;
        case MessageType::caught_up: return from_page ? std::nullopt : std::optional<std::size_t>(0);
        case MessageType::save: return from_page ? std::optional(kMaxPageMessage) : std::nullopt;
        case MessageType::compact: return from_page ? std::optional(kMaxUpdateSize + 4) : std::nullopt;
        case MessageType::invite:
        case MessageType::join: return from_page ? std::optional<std::size_t>(512) : std::nullopt;
        case MessageType::challenge:
        case MessageType::answer: return from_page ? std::optional<std::size_t>(256) : std::nullopt;
        case MessageType::status:
        case MessageType::disk:
        case MessageType::welcome:
        case MessageType::saved: return std::nullopt;
    }
    return std::nullopt;
}

tubes::result<Message> read_page_message(std::string_view bytes) {
    if (bytes.empty()) return tubes::error_code(tubes::Errc::protocol_violation);
    const auto type = static_cast<MessageType>(bytes.front());
    const auto limit = largest_body(type, Sender::page);
    if (!limit) return tubes::error_code(tubes::Errc::protocol_violation);
    if (bytes.size() - 1 > *limit) return tubes::error_code(tubes::Errc::limit_exceeded);
    return make_message(type, std::string(bytes.substr(1)));
}

std::string write_page_message(const Message& message) {
    std::string bytes(1, static_cast<char>(message.type));
    return bytes += *message.body;
}

tubes::result<Head> read_head(std::string_view bytes, Sender sender) {
    if (bytes.size() != kHeadSize) return tubes::error_code(tubes::Errc::protocol_violation);
    const std::size_t length = read_number(bytes);
    const auto type = static_cast<MessageType>(bytes[4]);
    const auto limit = largest_body(type, sender);
    if (!limit || length == 0) return tubes::error_code(tubes::Errc::protocol_violation);
    if (length - 1 > *limit) return tubes::error_code(tubes::Errc::limit_exceeded);
    return Head{type, length - 1};
}

std::string write_head(const Message& message) {
    std::string bytes = write_number(static_cast<std::uint32_t>(message.size() + 1));
    bytes.push_back(static_cast<char>(message.type));
    return bytes;
}

std::uint32_t read_number(std::string_view bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
    return value;
}

std::string write_number(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift & 0xff));
    return bytes;
}

}  // namespace editor
