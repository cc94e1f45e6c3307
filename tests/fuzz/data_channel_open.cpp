// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes the message that opens a data channel: what is accepted encodes back to the same bytes.
#include <algorithm>

#include "transports/webrtc/dcep.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const tubes::core::ByteView message(data, size);
    const auto open = tubes::transports::parse_channel_open(message);
    if (!open) return 0;
    const auto again = tubes::transports::encode_channel_open(*open);
    if (!std::equal(again.begin(), again.end(), message.begin(), message.end())) __builtin_trap();
    return 0;
}
