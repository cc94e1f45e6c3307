// SPDX-License-Identifier: GPL-3.0-or-later
// The set of sessions.
#include "presence/xmpp/web_signals.hpp"

#include "presence/xmpp/jingle/web_codec.hpp"

namespace tubes::presence::xmpp {

bool WebSignals::owns(const Jid& from, const Element& jingle) const {
    return is_web_jingle(jingle) || sessions_.contains({from.full(), attribute(jingle, "sid")});
}

result<core::ports::WebSignal> WebSignals::decode(const Jid& from, const Element& jingle) {
    auto signal = decode_web_jingle(jingle);
    if (!signal) return signal;
    if (std::holds_alternative<core::ports::WebTerminate>(signal->action)) forget(from, signal->session);
    if (!std::holds_alternative<core::ports::WebInitiate>(signal->action)) return signal;
    if (sessions_.size() >= kMaxWebSessions) return make_error_code(Errc::limit_exceeded);
    sessions_.emplace(from.full(), signal->session);
    return signal;
}

ElementPtr WebSignals::encode(const Jid& to, const core::ports::WebSignal& signal) {
    if (std::holds_alternative<core::ports::WebTerminate>(signal.action)) forget(to, signal.session);
    return encode_web_jingle(signal);
}

}  // namespace tubes::presence::xmpp
