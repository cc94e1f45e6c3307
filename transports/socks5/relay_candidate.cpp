// SPDX-License-Identifier: GPL-3.0-or-later
// Attributes and back.
#include "transports/socks5/relay_candidate.hpp"

#include <charconv>

namespace tubes::transports {

using core::ports::Candidate;
using core::ports::StreamRelay;

Candidate to_candidate(const StreamRelay& relay) {
    return {PathKind::socks5, {{"relay", relay.name}, {"host", relay.host}, {"port", std::to_string(relay.port)}}};
}

Candidate to_candidate(const RelayReached& reached) {
    return {PathKind::socks5, {{"reached", reached.relay}}};
}

result<RelayMessage> parse_relay_message(const Candidate& candidate) {
    constexpr std::size_t kMaxHost = 255;
    const auto text = [&](const char* name) {
        const auto found = candidate.attributes.find(name);
        return found == candidate.attributes.end() ? std::string() : found->second;
    };
    if (const auto reached = text("reached"); !reached.empty()) return RelayMessage(RelayReached{reached});
    StreamRelay relay{text("relay"), text("host"), 0};
    const auto port = text("port");
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), relay.port);
    const bool is_port = error == std::errc() && end == port.data() + port.size() && relay.port != 0;
    const bool is_host = !relay.host.empty() && relay.host.size() <= kMaxHost &&
                         relay.host.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789.-_:") == std::string::npos;
    if (relay.name.empty() || !is_port || !is_host) return make_error_code(Errc::protocol_violation);
    return RelayMessage(std::move(relay));
}

}  // namespace tubes::transports
