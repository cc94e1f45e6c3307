// SPDX-License-Identifier: GPL-3.0-or-later
// Which SASL mechanism to use, and what may never be used again. Spec: RFC 6120 §6, XEP-0440.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "presence/xmpp/scram.hpp"

namespace tubes::presence::xmpp {

/// What the server offers, over TLS that has been verified.
struct OfferedMechanisms {
    std::set<std::string> names;
    std::set<std::string> channel_bindings;  ///< XEP-0440; empty if the server does not say.
};

/// What this connection can bind to: one type with its data, or nothing.
struct ChannelBinding {
    std::string type;  ///< "tls-exporter" (TLS 1.3), "tls-unique" (TLS 1.2) or empty.
    base::Bytes data;
};

/// The mechanism taken.
struct ChosenMechanism {
    std::string name;      ///< As sent: "SCRAM-SHA-256-PLUS".
    std::string remember;  ///< The strongest the server offered, without -PLUS, to be kept as the floor.
    bool plain = false;
    ScramHash hash = ScramHash::sha256;
    std::string gs2;
    base::Bytes binding;
};

/// The strongest that both sides can do. Errc::authentication_failed if all of them are weaker than `floor` (a
/// remembered name; empty: none), or only PLAIN is offered and not allowed.
result<ChosenMechanism> choose_mechanism(const OfferedMechanisms& offered, const ChannelBinding& binding,
                                         bool allow_plain, std::string_view floor);

}  // namespace tubes::presence::xmpp
