// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes in-band stanzas (XEP-0047), the answers about relays (XEP-0065), and a peer's relay candidates.
#include <cstdlib>

#include "presence/xmpp/in_band.hpp"
#include "presence/xmpp/stream_relays.hpp"
#include "presence/xmpp/xml_stream.hpp"
#include "transports/socks5/relay_candidate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tubes::presence::xmpp;
    const auto element = parse_stanza(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!element) return 0;
    const auto block = parse_in_band_data(**element);
    if (block && block->bytes.size() > kInBandBlock) std::abort();
    const auto open = parse_in_band_open(**element);
    if (open && (*open == 0 || *open > 65535)) std::abort();
    for (const auto& relay : parse_stream_hosts(**element)) {
        if (relay.port == 0 || relay.host.empty()) std::abort();
        const auto again = tubes::transports::parse_relay_message(tubes::transports::to_candidate(relay));
        if (again && std::get<tubes::core::ports::StreamRelay>(*again) != relay) std::abort();
    }
    return 0;
}
