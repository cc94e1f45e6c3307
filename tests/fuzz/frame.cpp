// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes frame headers: what is accepted encodes back to the same bytes.
#include "tubes/core/wire/frame.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const tubes::core::ByteView message(data + 1, size - 1);
    const auto frame = tubes::wire::decode_frame(data[0] % 40, message);
    if (!frame) return 0;
    const auto header = tubes::wire::encode_header(*frame);
    const bool same = header.size + frame->payload.size() == message.size() &&
                      std::equal(header.view().begin(), header.view().end(), message.begin());
    if (!same || tubes::wire::lane_of(*frame) != data[0] % 40) __builtin_trap();
    return 0;
}
