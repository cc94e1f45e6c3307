// SPDX-License-Identifier: GPL-3.0-or-later
// Elements: gloox's Tag with namespaces resolved and ownership in the type.
#pragma once

#include <gloox/tag.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tubes/error.hpp"

namespace tubes::presence::xmpp {

using Element = gloox::Tag;
using ElementPtr = std::unique_ptr<gloox::Tag>;

/// A new element without a parent; `xmlns` may be empty for stanzas (jabber:client).
ElementPtr make_element(const std::string& name, std::string_view xmlns = {});
/// A new child, owned by its parent. An empty `xmlns` inherits the parent's.
Element& add_element(Element& parent, const std::string& name, std::string_view xmlns = {});
/// Hands `child` over to `parent`.
Element& adopt(Element& parent, ElementPtr child);
/// A stanza with type, to (left out if empty) and id.
ElementPtr make_stanza(const std::string& name, const std::string& type, const std::string& to, const std::string& id);

/// The namespace that `element` is in: its own declaration or an ancestor's, jabber:client at the top of a stanza.
std::string namespace_of(const Element& element);
bool is(const Element& element, std::string_view name, std::string_view xmlns);

/// The first child of that name and namespace, or null. Without `xmlns`: in the parent's namespace.
const Element* child(const Element& parent, std::string_view name, std::string_view xmlns);
const Element* child(const Element& parent, std::string_view name);
/// Every child of that name in the parent's namespace.
std::vector<const Element*> children(const Element& parent, std::string_view name);
/// The child elements of any name.
std::vector<const Element*> children(const Element& parent);

/// Empty if the attribute is not there.
inline const std::string& attribute(const Element& element, const std::string& name) {
    return element.findAttribute(name);
}

/// A fresh unguessable stanza id: 128 bits in hexadecimal.
std::string random_id();

}  // namespace tubes::presence::xmpp
