// SPDX-License-Identifier: GPL-3.0-or-later
// One XML stream: bytes in, checked top-level elements out. Spec: RFC 6120 §4.
#pragma once

#include <gloox/parser.h>
#include <gloox/taghandler.h>

#include <deque>
#include <memory>
#include <string_view>
#include <utility>

#include "presence/xmpp/stanza_guard.hpp"
#include "presence/xmpp/xml.hpp"

namespace tubes::presence::xmpp {

/// Guard and gloox parser in a row. A new one for every stream restart.
class XmlStream : private gloox::TagHandler {
public:
    explicit XmlStream(StanzaLimits limits);
    ~XmlStream();
    XmlStream(const XmlStream&) = delete;
    XmlStream& operator=(const XmlStream&) = delete;

    /// Parses the next bytes. Complete elements wait in next(). Stanzas beyond the limits are skipped. Errc::
    /// limit_exceeded for a header beyond them, Errc::protocol_violation; both are final.
    result<void> feed(std::string_view bytes);

    /// The next complete element, or null: first the stream header (an empty <stream:stream/>), then stanzas.
    ElementPtr next();

    /// </stream:stream> has arrived.
    bool is_finished() const noexcept { return guard_.is_finished(); }
    /// A stanza beyond the limits has begun and not ended.
    bool is_skipping() const noexcept { return guard_.is_skipping(); }
    /// How many stanzas have been skipped since the last call.
    std::size_t take_skipped() { return std::exchange(skipped_, 0); }

private:
    void handleTag(gloox::Tag* tag) override;
    void parse(std::string_view bytes);
    void forget_stanza();

    StanzaGuard guard_;
    std::unique_ptr<gloox::Parser> parser_;
    std::deque<ElementPtr> ready_;
    std::size_t skipped_ = 0;
    bool open_ = false;
    bool reopening_ = false;  // the header that a fresh parser is told once more
    bool broken_ = false;
};

/// True for text that is exactly one well-formed element within the limits; gives it. For tests and fuzzing.
result<ElementPtr> parse_stanza(std::string_view text, StanzaLimits limits = {});

}  // namespace tubes::presence::xmpp
