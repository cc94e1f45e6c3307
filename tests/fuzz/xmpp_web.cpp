// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes foreign peers' Jingle: any stanza from a contact. What decodes and is both sides' decodes again alike.
#include "presence/xmpp/jingle/web_codec.hpp"
#include "presence/xmpp/xml_stream.hpp"

using namespace tubes::presence::xmpp;

namespace {

void check_again(const tubes::core::ports::WebSignal& signal) {
    const std::string text = encode_web_jingle(signal)->xml();
    const auto parsed = parse_stanza("<iq>" + text + "</iq>");
    if (!parsed) __builtin_trap();
    const auto again = decode_web_jingle(*children(**parsed).at(0));
    if (!again || again->session != signal.session || again->action.index() != signal.action.index()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = parse_stanza({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    for (const auto* payload : children(**parsed)) {
        const auto signal = decode_web_jingle(*payload);
        if (signal && !std::holds_alternative<tubes::core::ports::WebInitiate>(signal->action)) check_again(*signal);
    }
    return 0;
}
