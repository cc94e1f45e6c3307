// SPDX-License-Identifier: GPL-3.0-or-later
// The pieces that several signals share: ids, texts, parameters, path descriptions and candidates as XML.
// Everything here is strict: a known element or attribute with a bad value spoils the signal, unknown ones are skipped.
#pragma once

#include <cstdint>
#include <string>

#include "presence/xmpp/xml.hpp"
#include "tubes/core/signaling/signals.hpp"

namespace tubes::presence::xmpp {

// Limits of what one signal may hold; docs/protocol.md, "Limits".
inline constexpr std::size_t kMaxAttributes = 16;                 // per description or candidate
inline constexpr std::size_t kMaxAttributeName = 32;              // bytes
inline constexpr std::size_t kMaxAttributeValue = 1024;           // bytes
inline constexpr std::size_t kMaxDescriptions = 8;                // path kinds in one signal
inline constexpr std::size_t kMaxCandidates = 64;                 // in one signal
inline constexpr std::size_t kMaxParameters = 32;                 // of a tube or service
inline constexpr std::size_t kMaxTextValue = 4096;                // bytes of a parameter's value
inline constexpr std::size_t kMaxServices = 256;                  // in one service list
inline constexpr std::int64_t kMaxOfferLifetime = 7 * 24 * 3600;  // seconds

/// Sets the text of `element`: as it is when XML carries it faithfully, else with encoding='base64'.
void put_text(Element& element, const std::string& text);
/// The text back; Errc::protocol_violation for bad base64 or more than `limit` bytes.
result<std::string> get_text(const Element& element, std::size_t limit);

/// A whole decimal number without sign, spaces or leading zeros, at most `limit`.
result<std::uint64_t> parse_number(const std::string& text, std::uint64_t limit);

template <class Id>
result<Id> get_id(const Element& element, const std::string& name) {
    const std::string& text = attribute(element, name);
    auto id = Id::from_hex(text);
    // One spelling only, so that ids may be compared as text.
    if (!id || id->hex() != text) return make_error_code(Errc::protocol_violation);
    return id;
}

/// <parameter name= type=>value</parameter> for each.
void put_parameters(Element& parent, const Parameters& parameters);
result<Parameters> get_parameters(const Element& parent);

result<TubeKind> get_tube_kind(const Element& element);
result<std::string> get_service_name(const Element& element, const std::string& attribute_name);

/// <path kind=> or <candidate kind=> elements with <attribute name=>value</attribute> inside.
void put_descriptions(Element& parent, const std::vector<core::ports::TransportDescription>& descriptions);
result<std::vector<core::ports::TransportDescription>> get_descriptions(const Element& parent);
void put_candidates(Element& parent, const std::vector<core::ports::Candidate>& candidates);
result<std::vector<core::ports::Candidate>> get_candidates(const Element& parent);

/// Whether what we are about to send would be refused by the rules above; Errc::limit_exceeded.
result<void> check_attributes(const core::ports::Attributes& attributes);

}  // namespace tubes::presence::xmpp
