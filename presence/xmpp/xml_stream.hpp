// SPDX-License-Identifier: GPL-3.0-or-later
// One XML stream: bytes in, checked top-level elements out. Spec: RFC 6120 §4.
#pragma once

#include <gloox/parser.h>
#include <gloox/taghandler.h>

#include <deque>
#include <string_view>

#include "presence/xmpp/stanza_guard.hpp"
#include "presence/xmpp/xml.hpp"

namespace tubes::presence::xmpp {

/// Guard and gloox parser in a row. A new one for every stream restart.
class XmlStream : private gloox::TagHandler {
public:
    explicit XmlStream(StanzaLimits limits) : guard_(limits), parser_(this, false) {}

    /// Parses the next bytes. Complete elements wait in next(). Errc::limit_exceeded, Errc::protocol_violation.
    result<void> feed(std::string_view bytes);

    /// The next complete element, or null: first the stream header (an empty <stream:stream/>), then stanzas.
    ElementPtr next();

    /// </stream:stream> has arrived.
    bool is_finished() const noexcept { return guard_.is_finished(); }
    /// What counts from the next byte on.
    void set_limits(StanzaLimits limits) { guard_.set_limits(limits); }

private:
    void handleTag(gloox::Tag* tag) override;

    StanzaGuard guard_;
    gloox::Parser parser_;
    std::deque<ElementPtr> ready_;
    bool open_ = false;
    bool broken_ = false;
};

/// True for text that is exactly one well-formed element within the limits; gives it. For tests and fuzzing.
result<ElementPtr> parse_stanza(std::string_view text, StanzaLimits limits = {});

}  // namespace tubes::presence::xmpp
