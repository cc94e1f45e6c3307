// SPDX-License-Identifier: GPL-3.0-or-later
// ICE candidates as they travel in signaling, checked before anything else sees them.
// Spec: RFC 8445 §5.3; attribute names of XEP-0176 §6.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "transports/addresses/address_rules.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

enum class IceCandidateType : std::uint8_t { host, server_reflexive, peer_reflexive, relayed };

/// "host", "srflx", "prflx", "relay".
std::string_view to_string(IceCandidateType type) noexcept;

/// One UDP candidate of component 1.
struct IceCandidate {
    IceCandidateType type = IceCandidateType::host;
    std::string foundation;      ///< 1 to 32 characters of RFC 8445 §5.3 (ice-char).
    std::uint32_t priority = 0;  ///< 1 to 2^31 - 1.
    boost::asio::ip::address address;
    std::uint16_t port = 0;

    bool operator==(const IceCandidate&) const = default;
};

/// What a description carries to let the peer's checks in (RFC 8445 §5.3).
struct IceCredentials {
    std::string fragment;  ///< 4 to 256 characters (ice-char).
    std::string password;  ///< 22 to 256 characters (ice-char).
};

/// Attributes for signaling. The related address is never told: it would reveal what the policy hides.
core::ports::Candidate encode_ice_candidate(const IceCandidate& candidate);

/// Checks every attribute; Errc::invalid_argument for what is malformed, Errc::unsupported for what we do not use (TCP,
/// another component, names such as mDNS's), Errc::address_not_allowed for addresses that `rules` forbid to contact.
/// A peer's relayed address may be any that is a host's; its relay decides.
result<IceCandidate> parse_ice_candidate(const core::ports::Candidate& candidate, const AddressRules& rules);

/// The "ufrag" and "pwd" of a description; Errc::invalid_argument otherwise.
result<IceCredentials> parse_ice_credentials(const core::ports::Attributes& attributes);

/// Parses a whole decimal number without sign, at most `largest`; Errc::invalid_argument otherwise.
result<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t largest);

}  // namespace tubes::transports
