// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes control messages and Hello: cut into pieces or whole, the control stream reads the same.
#include "tubes/core/wire/control_codec.hpp"
#include "tubes/core/wire/hello.hpp"

namespace {

using namespace tubes;

std::optional<std::size_t> read_in_pieces(core::ByteView stream, std::size_t piece) {
    wire::ControlReader reader;
    std::size_t count = 0;
    while (!stream.empty()) {
        const auto size = std::min(piece, stream.size());
        const auto messages = reader.feed(stream.first(size));
        if (!messages) return std::nullopt;
        count += messages->size();
        stream = stream.subspan(size);
    }
    return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const core::ByteView bytes(data, size);
    if (const auto message = wire::decode_control(bytes)) {
        const auto again = wire::decode_control(wire::encode(*message));
        if (!again || again->index() != message->index()) __builtin_trap();
    }
    if (const auto hello = wire::decode_hello(bytes)) {
        if (!wire::decode_hello(wire::encode(*hello))) __builtin_trap();
    }
    if (read_in_pieces(bytes, size + 1) != read_in_pieces(bytes, 1 + size % 7)) __builtin_trap();
    return 0;
}
