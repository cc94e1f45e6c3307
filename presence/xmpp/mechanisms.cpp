// SPDX-License-Identifier: GPL-3.0-or-later
// Ranking: SCRAM-SHA-256, SCRAM-SHA-1, PLAIN; -PLUS whenever it can be done.
#include "presence/xmpp/mechanisms.hpp"

#include <array>

namespace tubes::presence::xmpp {
namespace {

struct Known {
    std::string_view name;
    int strength;
    ScramHash hash;
};

constexpr std::array<Known, 3> kKnown = {{
    {"SCRAM-SHA-256", 3, ScramHash::sha256},
    {"SCRAM-SHA-1", 2, ScramHash::sha1},
    {"PLAIN", 1, ScramHash::sha1},
}};

int strength_of(std::string_view name) {
    for (const auto& known : kKnown) {
        if (known.name == name) return known.strength;
    }
    return 0;
}

/// Without XEP-0440 only tls-unique is certain: it is what -PLUS has meant since RFC 5802 §6.1.
bool server_can_bind(const OfferedMechanisms& offered, const ChannelBinding& binding) {
    if (binding.type.empty()) return false;
    if (offered.channel_bindings.empty()) return binding.type == "tls-unique";
    return offered.channel_bindings.contains(binding.type);
}

void add_binding(ChosenMechanism& chosen, const OfferedMechanisms& offered, const ChannelBinding& binding) {
    const std::string plus = chosen.name + "-PLUS";
    bool any_plus = false;
    for (const auto& name : offered.names) any_plus = any_plus || name.ends_with("-PLUS");
    if (offered.names.contains(plus) && server_can_bind(offered, binding)) {
        chosen.name = plus;
        chosen.gs2 = "p=" + binding.type + ",,";
        chosen.binding = binding.data;
    } else {
        // "y" makes a server that did offer -PLUS notice that somebody removed it (RFC 5802 §6).
        chosen.gs2 = binding.type.empty() || any_plus ? "n,," : "y,,";
    }
}

}  // namespace

result<ChosenMechanism> choose_mechanism(const OfferedMechanisms& offered, const ChannelBinding& binding,
                                         bool allow_plain, std::string_view floor) {
    const int least = std::max(strength_of(floor), allow_plain ? 1 : 2);
    for (const auto& known : kKnown) {
        const std::string name(known.name);
        const bool offers_plus = known.strength > 1 && offered.names.contains(name + "-PLUS");
        if (known.strength < least || !(offered.names.contains(name) || offers_plus)) continue;
        ChosenMechanism chosen;
        chosen.name = name;
        chosen.remember = name;
        chosen.hash = known.hash;
        chosen.plain = known.strength == 1;
        if (!chosen.plain) add_binding(chosen, offered, binding);
        if (!offered.names.contains(chosen.name)) continue;  // only -PLUS is offered, and it cannot be done
        return chosen;
    }
    return make_error_code(Errc::authentication_failed);
}

}  // namespace tubes::presence::xmpp
