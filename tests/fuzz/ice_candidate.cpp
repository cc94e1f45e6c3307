// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes the ICE transport's attributes from signaling: "name=value" lines, as candidate, credentials and fingerprint.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "transports/ice/ice_candidate.hpp"

using tubes::core::ports::Attributes;
using tubes::core::ports::Candidate;

namespace {

Attributes read_attributes(std::string_view text) {
    Attributes attributes;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        const auto equals = line.find('=');
        if (equals != std::string_view::npos) attributes[std::string(line.substr(0, equals))] = line.substr(equals + 1);
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return attributes;
}

void must(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using tubes::PathKind;
    const auto attributes = read_attributes({reinterpret_cast<const char*>(data), size});
    for (const auto policy : {tubes::AddressPolicy::all, tubes::AddressPolicy::public_only}) {
        tubes::transports::AddressRules rules;
        rules.policy = policy;
        const auto parsed = tubes::transports::parse_ice_candidate({PathKind::ice, attributes}, rules);
        if (!parsed) continue;
        must(parsed->port != 0 && parsed->priority != 0 && !parsed->address.is_loopback());
        must(!parsed->address.is_multicast() && !parsed->address.is_unspecified());
        // What came through once comes through again, unchanged.
        const auto again =
            tubes::transports::parse_ice_candidate(tubes::transports::encode_ice_candidate(*parsed), rules);
        must(again.has_value() && *again == *parsed);
    }
    const auto credentials = tubes::transports::parse_ice_credentials(attributes);
    if (credentials) must(credentials->fragment.size() >= 4 && credentials->password.size() >= 22);
    return 0;
}
