// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes address preparation: no input breaks it, no output exceeds the limits.
#include "presence/xmpp/address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using tubes::presence::xmpp::Jid;
    const auto jid = Jid::parse({reinterpret_cast<const char*>(data), size});
    if (!jid) return 0;
    if (jid->full().size() > 3 * tubes::presence::xmpp::kMaxAddressPart + 2) __builtin_trap();
    (void)tubes::presence::xmpp::ascii_domain(jid->domain());
    return 0;
}
