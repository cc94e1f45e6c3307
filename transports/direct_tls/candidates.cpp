// SPDX-License-Identifier: GPL-3.0-or-later
// Reads and writes candidates of direct TLS.
#include "transports/direct_tls/candidates.hpp"

#include <charconv>

namespace tubes::transports {

namespace {

/// The longest printed IPv6 address; anything longer is none.
constexpr std::size_t kMaxAddressText = 45;

const std::string* find(const core::ports::Attributes& attributes, const char* name) {
    const auto found = attributes.find(name);
    return found == attributes.end() ? nullptr : &found->second;
}

result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) {
        return make_error_code(Errc::protocol_violation);
    }
    return port;
}

}  // namespace

core::ports::Candidate to_candidate(const boost::asio::ip::tcp::endpoint& endpoint) {
    auto address = endpoint.address();
    // A zone means something on this machine only (RFC 4007 §11).
    if (address.is_v6()) address = boost::asio::ip::address_v6(address.to_v6().to_bytes());
    return {PathKind::direct_tls, {{"address", address.to_string()}, {"port", std::to_string(endpoint.port())}}};
}

result<boost::asio::ip::tcp::endpoint> parse_tls_candidate(const core::ports::Candidate& candidate) {
    const auto* text = find(candidate.attributes, "address");
    const auto* port_text = find(candidate.attributes, "port");
    if (!text || !port_text || text->size() > kMaxAddressText || text->find('%') != std::string::npos) {
        return make_error_code(Errc::protocol_violation);
    }
    error_code error;
    const auto address = boost::asio::ip::make_address(*text, error);
    const auto port = parse_port(*port_text);
    if (error || !port) return make_error_code(Errc::protocol_violation);
    return boost::asio::ip::tcp::endpoint(address, *port);
}

}  // namespace tubes::transports
