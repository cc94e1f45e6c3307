// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes signals and replies as protocols without their own encoding carry them: what decodes encodes again, alike.
#include <cstdlib>

#include "tubes/core/wire/signal_codec.hpp"

#ifdef TUBES_PLANT_BUG
namespace {

// Only the planted build: reads behind the end of a message that no seed is like, as a careless parser would.
volatile char planted_sink;
void planted_bug(const tubes::core::Signal& signal) {
    if (!std::holds_alternative<tubes::core::PingSignal>(signal)) return;
    const tubes::core::Bytes encoded = tubes::wire::encode(signal);
    planted_sink = static_cast<char>(*(encoded.data() + encoded.size()));
}

}  // namespace
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const tubes::core::ByteView input(data, size);
    if (const auto signal = tubes::wire::decode_signal(input)) {
        const auto encoded = tubes::wire::encode(*signal);
        const auto again = tubes::wire::decode_signal(encoded);
        if (!again || tubes::wire::encode(*again) != encoded) std::abort();
#ifdef TUBES_PLANT_BUG
        planted_bug(*signal);
#endif
    }
    if (const auto reply = tubes::wire::decode_reply(input)) {
        if (!tubes::wire::decode_reply(tubes::wire::encode_reply(*reply))) std::abort();
    }
    return 0;
}
