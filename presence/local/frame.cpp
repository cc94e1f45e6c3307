// SPDX-License-Identifier: GPL-3.0-or-later
// Encoding and parsing of the local protocol's frames.
#include "presence/local/frame.hpp"

#include <algorithm>

#include "tubes/types.hpp"

namespace tubes::presence::local {
namespace {

void put(base::Bytes& out, std::uint64_t value, std::size_t size) {
    for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint64_t get(base::ByteView bytes) {
    std::uint64_t value = 0;
    for (const auto byte : bytes) value = value << 8 | byte;
    return value;
}

}  // namespace

base::Bytes encode(const Frame& frame) {
    base::Bytes bytes;
    bytes.reserve(kLengthSize + kFrameHeader + frame.payload.size());
    put(bytes, kFrameHeader + frame.payload.size(), kLengthSize);
    put(bytes, static_cast<std::uint8_t>(frame.type), 1);
    put(bytes, frame.id, 8);
    bytes.insert(bytes.end(), frame.payload.begin(), frame.payload.end());
    return bytes;
}

result<std::optional<Frame>> take_frame(base::Bytes& buffer) {
    if (buffer.size() < kLengthSize) return std::optional<Frame>{};
    const base::ByteView view(buffer);
    const auto length = get(view.first(kLengthSize));
    if (length < kFrameHeader || length > kFrameHeader + kMaxPayload) return make_error_code(Errc::protocol_violation);
    if (buffer.size() < kLengthSize + length) return std::optional<Frame>{};
    const auto body = view.subspan(kLengthSize, length);
    if (body[0] < 1 || body[0] > static_cast<std::uint8_t>(FrameType::room_request)) {
        return make_error_code(Errc::protocol_violation);
    }
    Frame frame;
    frame.type = static_cast<FrameType>(body[0]);
    frame.id = get(body.subspan(1, 8));
    frame.payload.assign(body.begin() + kFrameHeader, body.end());
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(kLengthSize + length));
    return std::optional<Frame>(std::move(frame));
}

result<std::string> parse_hello(base::ByteView payload) {
    if (payload.empty() || payload[0] != kVersion) return make_error_code(Errc::protocol_violation);
    std::string name(base::as_text(payload.subspan(1)));
    if (name.size() > kMaxNodeName || !is_valid_service_name(name)) return make_error_code(Errc::protocol_violation);
    return name;
}

base::Bytes make_hello(const std::string& name) {
    base::Bytes payload(1 + name.size(), kVersion);
    std::copy(name.begin(), name.end(), payload.begin() + 1);
    return payload;
}

}  // namespace tubes::presence::local
