// SPDX-License-Identifier: GPL-3.0-or-later
// Errors as they travel: stanza errors (RFC 6120 §8.3) and Jingle reasons (XEP-0166 §7.4), with our own exact name
// beside the standard condition.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "presence/xmpp/xml.hpp"

namespace tubes::presence::xmpp {

/// The name of an error on the wire, "no-path"; empty for those that never travel.
std::string_view wire_name(Errc code) noexcept;
std::optional<Errc> error_from_wire(std::string_view name) noexcept;

/// An <error/> child for an IQ. Errc::not_available gives exactly what a server answers for somebody who is not
/// there, and nothing of ours. `jingle` adds the conditions of XEP-0166 §10.
ElementPtr make_error(error_code code, bool jingle);
/// What an IQ of type error says. Errc::not_available for anything that is not understood.
error_code parse_error(const Element& iq);

/// A Jingle <reason/>; `survivor` is the session id for Errc::already_exists.
ElementPtr make_reason(Errc code, const std::string& survivor);
/// The error a <reason/> stands for. Errc::cancelled for unknown conditions.
Errc parse_reason(const Element& reason) noexcept;

}  // namespace tubes::presence::xmpp
