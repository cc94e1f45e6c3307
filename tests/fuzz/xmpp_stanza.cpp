// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes guard and parser of an XML stream: any bytes from a server, in two pieces.
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/xml_stream.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tubes::presence::xmpp;
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::size_t cut = std::min<std::size_t>(data[0], text.size());
    XmlStream stream(StanzaLimits{});
    if (data[0] % 2 == 0) {
        (void)stream.feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
    }
    if (stream.feed(text.substr(0, cut))) (void)stream.feed(text.substr(cut));
    while (auto element = stream.next()) {
        (void)element->xml();
        for (const auto* inner : children(*element)) (void)is(*inner, "query", kRosterNamespace);
    }
    return 0;
}
