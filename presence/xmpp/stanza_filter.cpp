// SPDX-License-Identifier: GPL-3.0-or-later
// Checks by stanza name and type.
#include "presence/xmpp/stanza_filter.hpp"

#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp {
namespace {

constexpr std::size_t kMaxId = 1024;  // bytes of a stanza id

void filter_iq(FilteredStanza& out, const Element& iq, const Jid& self) {
    const std::string& id = attribute(iq, "id");
    if (id.empty() || id.size() > kMaxId) return;
    const std::string& type = attribute(iq, "type");
    if (type == "result" || type == "error") {
        out.kind = StanzaKind::answer;
        return;
    }
    const auto payloads = children(iq);
    if (type != "get" && type != "set") return;
    out.kind = StanzaKind::forbidden;
    if (payloads.size() != 1) return;
    out.payload = payloads[0];
    if (namespace_of(*out.payload) != kRosterNamespace) {
        out.kind = StanzaKind::request;
    } else if (type == "set" && out.payload->name() == "query" && out.from == self.without_resource()) {
        out.kind = StanzaKind::roster_push;
    }
}

StanzaKind presence_kind(const std::string& type) {
    if (type.empty() || type == "unavailable") return StanzaKind::presence;
    if (type == "error") return StanzaKind::presence_error;
    return type == "subscribe" ? StanzaKind::subscription : StanzaKind::dropped;
}

}  // namespace

FilteredStanza filter_stanza(const Element& stanza, const Jid& self) {
    FilteredStanza out;
    if (namespace_of(stanza) != kClientNamespace) return out;
    out.from = self.without_resource();
    const std::string& from = attribute(stanza, "from");
    if (!from.empty()) {
        const auto parsed = Jid::parse(from);
        if (!parsed) return out;
        out.from = *parsed;
    }
    const std::string& type = attribute(stanza, "type");
    if (stanza.name() == "iq") {
        filter_iq(out, stanza, self);
    } else if (stanza.name() == "presence") {
        out.kind = presence_kind(type);
    } else if (stanza.name() == "message") {
        out.kind = type == "error" ? StanzaKind::dropped : StanzaKind::message;
    }
    return out;
}

}  // namespace tubes::presence::xmpp
