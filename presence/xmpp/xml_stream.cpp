// SPDX-License-Identifier: GPL-3.0-or-later
// Guard first, parser second.
#include "presence/xmpp/xml_stream.hpp"

#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp {
namespace {

constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

}  // namespace

XmlStream::XmlStream(StanzaLimits limits) : guard_(limits), parser_(new gloox::Parser(this, false)) {}

XmlStream::~XmlStream() {
    parser_->cleanup();
}

result<void> XmlStream::feed(std::string_view bytes) {
    while (!bytes.empty() && !broken_) {
        const auto scan = guard_.scan(bytes);
        if (scan.event == StanzaGuard::Event::failed) {
            broken_ = true;
            return make_error_code(guard_.failure());
        }
        const bool overflow = scan.event == StanzaGuard::Event::overflow;
        // Stanzas before the one that overflowed are complete; of that one nothing stays.
        if (scan.parse) parse(bytes.substr(0, overflow ? scan.consumed - 1 : scan.consumed));
        if (overflow) forget_stanza();
        if (scan.event == StanzaGuard::Event::skipped) ++skipped_;
        bytes.remove_prefix(scan.consumed);
    }
    if (broken_) return make_error_code(Errc::protocol_violation);
    return {};
}

void XmlStream::parse(std::string_view bytes) {
    std::string copy(bytes);
    if (parser_->feed(copy) >= 0) broken_ = true;
}

void XmlStream::forget_stanza() {
    parser_->cleanup();
    parser_.reset(new gloox::Parser(this, false));
    reopening_ = true;
    parse(kHeader);
    reopening_ = false;
}

void XmlStream::handleTag(gloox::Tag* tag) {
    ElementPtr element(tag);
    if (reopening_) return;
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
    if (auto opened = stream.feed(kHeader); !opened) return opened.error();
    stream.next();
    if (auto fed = stream.feed(text); !fed) return fed.error();
    auto element = stream.next();
    if (stream.is_skipping() || stream.take_skipped() > 0) return make_error_code(Errc::limit_exceeded);
    if (!element || stream.next()) return make_error_code(Errc::protocol_violation);
    return element;
}

}  // namespace tubes::presence::xmpp
