// SPDX-License-Identifier: GPL-3.0-or-later
// Candidate attributes in and out.
#include "transports/ice/ice_candidate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tubes::transports {
namespace {

using core::ports::Attributes;

constexpr std::uint32_t kLargestPriority = 0x7fffffff;  // RFC 8445 §5.1.2.
constexpr std::size_t kLongestFoundation = 32;
constexpr std::array<std::pair<IceCandidateType, std::string_view>, 4> kTypes{{
    {IceCandidateType::host, "host"},
    {IceCandidateType::server_reflexive, "srflx"},
    {IceCandidateType::peer_reflexive, "prflx"},
    {IceCandidateType::relayed, "relay"},
}};

/// ice-char (RFC 8839 §5.1): letters, digits, + and /.
bool is_ice_text(std::string_view text, std::size_t shortest, std::size_t longest) {
    const auto is_ice_char = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    };
    return text.size() >= shortest && text.size() <= longest && std::all_of(text.begin(), text.end(), is_ice_char);
}

std::string_view find(const Attributes& attributes, const std::string& name) {
    const auto found = attributes.find(name);
    return found == attributes.end() ? std::string_view{} : std::string_view(found->second);
}

result<IceCandidateType> parse_type(std::string_view text) {
    for (const auto& [type, name] : kTypes) {
        if (name == text) return type;
    }
    return make_error_code(Errc::invalid_argument);
}

/// Whether the text could be a host name: those are unsupported, all else is malformed.
bool looks_like_name(std::string_view text) {
    return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

result<boost::asio::ip::address> parse_address(std::string_view text) {
    boost::system::error_code failure;
    const auto address = boost::asio::ip::make_address(text, failure);
    if (failure) return make_error_code(looks_like_name(text) ? Errc::unsupported : Errc::invalid_argument);
    // A peer's scope means nothing here, and ours would be guessed.
    if (address.is_v6() && address.to_v6().scope_id() != 0) return make_error_code(Errc::invalid_argument);
    return address;
}

}  // namespace

std::string_view to_string(IceCandidateType type) noexcept {
    for (const auto& [known, name] : kTypes) {
        if (known == type) return name;
    }
    return "unknown";
}

result<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t largest) {
    std::uint32_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [parsed, failure] = std::from_chars(text.data(), end, value);
    if (text.empty() || failure != std::errc{} || parsed != end || value > largest) {
        return make_error_code(Errc::invalid_argument);
    }
    return value;
}

core::ports::Candidate encode_ice_candidate(const IceCandidate& candidate) {
    // A scope is this machine's own interface number.
    auto address = candidate.address;
    if (address.is_v6()) address = boost::asio::ip::address_v6(address.to_v6().to_bytes());
    return {PathKind::ice,
            {{"component", "1"},
             {"foundation", candidate.foundation},
             {"ip", address.to_string()},
             {"port", std::to_string(candidate.port)},
             {"priority", std::to_string(candidate.priority)},
             {"protocol", "udp"},
             {"type", std::string(to_string(candidate.type))}}};
}

result<IceCandidate> parse_ice_candidate(const core::ports::Candidate& candidate, const AddressRules& rules) {
    const auto& attributes = candidate.attributes;
    const auto component = parse_decimal(find(attributes, "component"), 256);
    const auto type = parse_type(find(attributes, "type"));
    const auto port = parse_decimal(find(attributes, "port"), 65535);
    const auto priority = parse_decimal(find(attributes, "priority"), kLargestPriority);
    const auto foundation = find(attributes, "foundation");
    const auto protocol = find(attributes, "protocol");
    // A priority of 0 is outside RFC 8445 §5.1.2, and libnice up to 0.1.21 mishandles it.
    if (candidate.kind != PathKind::ice || !component || !type || !port || *port == 0 || !priority || *priority == 0 ||
        !is_ice_text(foundation, 1, kLongestFoundation)) {
        return make_error_code(Errc::invalid_argument);
    }
    if (protocol != "udp" || *component != 1) return make_error_code(Errc::unsupported);
    auto address = parse_address(find(attributes, "ip"));
    if (!address) return address.error();
    auto allowed = rules;
    if (*type == IceCandidateType::relayed) allowed.policy = AddressPolicy::all;
    if (!allowed.may_contact(*address)) return make_error_code(Errc::address_not_allowed);
    return IceCandidate{*type, std::string(foundation), *priority, *address, static_cast<std::uint16_t>(*port)};
}

result<IceCredentials> parse_ice_credentials(const core::ports::Attributes& attributes) {
    const auto fragment = find(attributes, "ufrag");
    const auto password = find(attributes, "pwd");
    if (!is_ice_text(fragment, 4, 256) || !is_ice_text(password, 22, 256)) {
        return make_error_code(Errc::invalid_argument);
    }
    return IceCredentials{std::string(fragment), std::string(password)};
}

}  // namespace tubes::transports
