// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes news of rooms as nodes on one machine exchange them: what parses encodes again, alike.
#include <cstdlib>

#include "presence/local/room_news.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tubes::presence::local;
    const tubes::base::ByteView input(data, size);
    if (const auto news = parse_room_news(input)) {
        const auto encoded = encode(*news);
        const auto again = parse_room_news(encoded);
        if (!again || encode(*again) != encoded) std::abort();
        if (news->text.size() > tubes::core::ports::kMaxRoomText) std::abort();
    }
    if (const auto request = parse_room_request(input)) {
        if (encode_room_request(request->room, request->signal) != tubes::base::Bytes(input.begin(), input.end())) {
            std::abort();
        }
    }
    return 0;
}
