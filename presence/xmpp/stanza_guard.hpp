// SPDX-License-Identifier: GPL-3.0-or-later
// Stands in front of the XML parser: bounds size, depth and element count of every stanza before it is built, and
// refuses what RFC 6120 §11.1 forbids. gloox's parser has no limit at all (80 000 nested elements pass).
#pragma once

#include <cstddef>
#include <string_view>

#include "presence/xmpp/utf8.hpp"
#include "tubes/error.hpp"

namespace tubes::presence::xmpp {

/// What one stanza may cost before it is understood.
struct StanzaLimits {
    std::size_t bytes = 512 * 1024;  ///< RFC 6120 §13.12 asks for at least 10 000; a roster of 3000 contacts fits.
    std::size_t depth = 32;          ///< Elements inside one another, the stanza itself included.
    std::size_t elements = 16384;    ///< An element costs about 300 bytes once parsed.
};

/// A tokenizer that only counts. Agrees with the parser on what a tag is, else the limits could be dodged.
class StanzaGuard {
public:
    enum class Event : std::uint8_t {
        more,      ///< Everything was read; parse it.
        overflow,  ///< The present stanza is beyond the limits: nothing of it may be parsed, its end will be told.
        skipped,   ///< That stanza has ended; go on with the next one.
        failed,    ///< The stream is unusable: forbidden XML, or a header beyond the limits. Final.
    };

    struct Scan {
        std::size_t consumed = 0;  ///< Bytes that the event is about.
        Event event = Event::more;
        bool parse = false;  ///< Those bytes belong to stanzas within the limits.
    };

    explicit StanzaGuard(StanzaLimits limits) : limits_(limits) {}

    /// Looks at the next bytes, up to the first event. To be called again for the rest.
    Scan scan(std::string_view bytes);
    /// Why it failed: Errc::limit_exceeded or Errc::protocol_violation.
    Errc failure() const noexcept { return failure_; }
    /// The stream's own end tag has been read.
    bool is_finished() const noexcept { return finished_; }
    bool is_skipping() const noexcept { return skipping_; }

private:
    enum class State : std::uint8_t {
        text,         ///< Between tags.
        open,         ///< After '<'.
        declaration,  ///< Inside <?xml ...?>, allowed only at the very beginning.
        tag,          ///< Inside a start tag, outside quotes.
        quoted,       ///< Inside an attribute value.
        end_tag,      ///< Inside </name.
        failed,
    };

    Errc step(char c);
    Errc advance(char c);
    Errc in_open(char c);
    Errc in_tag(char c);
    Errc enter();
    Errc leave();

    StanzaLimits limits_;
    Utf8Validator utf8_;
    State state_ = State::text;
    Errc failure_ = Errc::protocol_violation;
    std::size_t position_ = 0;  // bytes since the stream began
    std::size_t depth_ = 0;     // open elements, <stream:stream> included
    std::size_t bytes_ = 0;     // of the present stanza
    std::size_t elements_ = 0;  // of the present stanza
    char quote_ = 0;
    bool finished_ = false;
    bool skipping_ = false;  // the present stanza is beyond the limits
    bool slash_ = false;     // the last byte inside a tag was '/'
};

}  // namespace tubes::presence::xmpp
