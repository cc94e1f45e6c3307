// SPDX-License-Identifier: GPL-3.0-or-later
// Namespace look-up that gloox's Tag leaves to its caller.
#include "presence/xmpp/xml.hpp"

#include <array>

#include "presence/xmpp/namespaces.hpp"
#include "tubes/base/bytes.hpp"

namespace tubes::presence::xmpp {

ElementPtr make_element(const std::string& name, std::string_view xmlns) {
    auto element = std::make_unique<Element>(name);
    if (!xmlns.empty()) element->setXmlns(std::string(xmlns));
    return element;
}

Element& add_element(Element& parent, const std::string& name, std::string_view xmlns) {
    return adopt(parent, make_element(name, xmlns));
}

Element& adopt(Element& parent, ElementPtr child) {
    Element& reference = *child;
    parent.addChild(child.release());
    return reference;
}

ElementPtr make_stanza(const std::string& name, const std::string& type, const std::string& to, const std::string& id) {
    auto stanza = make_element(name);
    if (!type.empty()) stanza->addAttribute("type", type);
    if (!to.empty()) stanza->addAttribute("to", to);
    if (!id.empty()) stanza->addAttribute("id", id);
    return stanza;
}

std::string namespace_of(const Element& element) {
    const std::string& prefix = element.prefix();
    for (const Element* at = &element; at != nullptr; at = at->parent()) {
        std::string found = at == &element ? at->xmlns() : at->xmlns(prefix);
        if (!found.empty()) return found;
    }
    return prefix.empty() ? std::string(kClientNamespace) : std::string();
}

bool is(const Element& element, std::string_view name, std::string_view xmlns) {
    return element.name() == name && namespace_of(element) == xmlns;
}

const Element* child(const Element& parent, std::string_view name, std::string_view xmlns) {
    for (const Element* candidate : parent.children()) {
        if (is(*candidate, name, xmlns)) return candidate;
    }
    return nullptr;
}

const Element* child(const Element& parent, std::string_view name) {
    return child(parent, name, namespace_of(parent));
}

std::vector<const Element*> children(const Element& parent, std::string_view name) {
    std::vector<const Element*> found;
    const std::string xmlns = namespace_of(parent);
    for (const Element* candidate : parent.children()) {
        if (is(*candidate, name, xmlns)) found.push_back(candidate);
    }
    return found;
}

std::vector<const Element*> children(const Element& parent) {
    return {parent.children().begin(), parent.children().end()};
}

std::string random_id() {
    std::array<std::uint8_t, 16> bytes{};
    base::fill_random(bytes);
    return base::to_hex(bytes);
}

}  // namespace tubes::presence::xmpp
