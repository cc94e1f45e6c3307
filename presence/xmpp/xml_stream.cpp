// SPDX-License-Identifier: GPL-3.0-or-later
// Guard first, parser second.
#include "presence/xmpp/xml_stream.hpp"

#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp {

result<void> XmlStream::feed(std::string_view bytes) {
    if (broken_) return make_error_code(Errc::protocol_violation);
    if (auto allowed = guard_.feed(bytes); !allowed) {
        broken_ = true;
        return allowed;
    }
    std::string copy(bytes);
    if (parser_.feed(copy) >= 0) broken_ = true;
    if (broken_) return make_error_code(Errc::protocol_violation);
    return {};
}

void XmlStream::handleTag(gloox::Tag* tag) {
    ElementPtr element(tag);
    const bool header = element->name() == "stream" && namespace_of(*element) == kStreamNamespace;
    // A second header, or a stanza before the first one, is a broken stream (RFC 6120 §4.2).
    if (header == open_) {
        broken_ = true;
        return;
    }
    open_ = true;
    ready_.push_back(std::move(element));
}

ElementPtr XmlStream::next() {
    if (ready_.empty()) return nullptr;
    auto element = std::move(ready_.front());
    ready_.pop_front();
    return element;
}

result<ElementPtr> parse_stanza(std::string_view text, StanzaLimits limits) {
    XmlStream stream(limits);
    auto opened = stream.feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
    if (!opened) return opened.error();
    stream.next();
    if (auto fed = stream.feed(text); !fed) return fed.error();
    auto element = stream.next();
    if (!element || stream.next()) return make_error_code(Errc::protocol_violation);
    return element;
}

}  // namespace tubes::presence::xmpp
