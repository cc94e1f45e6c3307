// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes the signal codec: any stanza from a contact. What decodes must encode again and decode to the same text.
#include "presence/xmpp/signal_codec.hpp"
#include "presence/xmpp/wire_errors.hpp"
#include "presence/xmpp/xml_stream.hpp"

namespace {

void check_round_trip(const tubes::core::Signal& signal) {
    auto first = tubes::presence::xmpp::encode_signal(signal);
    if (!first) return;
    const std::string text = first->payload->xml();
    auto again = tubes::presence::xmpp::parse_stanza("<iq>" + text + "</iq>");
    if (!again) __builtin_trap();
    const auto inner = tubes::presence::xmpp::children(**again);
    auto decoded = tubes::presence::xmpp::decode_signal(first->iq_type, *inner.at(0));
    if (!decoded || tubes::presence::xmpp::encode_signal(*decoded)->payload->xml() != text) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto parsed = tubes::presence::xmpp::parse_stanza({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    const auto& iq = **parsed;
    for (const auto* payload : tubes::presence::xmpp::children(iq)) {
        auto signal = tubes::presence::xmpp::decode_signal(tubes::presence::xmpp::attribute(iq, "type"), *payload);
        if (signal) check_round_trip(*signal);
    }
    (void)tubes::presence::xmpp::decode_reply(iq, true);
    (void)tubes::presence::xmpp::parse_error(iq);
    return 0;
}
