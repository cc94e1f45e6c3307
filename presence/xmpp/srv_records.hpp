// SPDX-License-Identifier: GPL-3.0-or-later
// SRV records and the order in which to try them. Spec: RFC 2782; XEP-0368 §3 (both services in one order).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxTargets = 16;  // of one domain; more are ignored

/// One SRV record of _xmpps-client (direct_tls) or _xmpp-client.
struct SrvRecord {
    std::string host;
    std::uint16_t port = 0;
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    bool direct_tls = false;
};

/// A host to connect to. The certificate is checked against the account's domain, never against this name.
struct Target {
    std::string host;
    std::uint16_t port = 5222;
    bool direct_tls = false;
    bool operator==(const Target&) const = default;
};

/// Random number in [0, limit].
using RandomUpTo = std::function<std::uint32_t(std::uint32_t limit)>;

/// Ascending priority, weighted random within one (RFC 2782, "Weight"). Records for "." (not offered) are dropped.
std::vector<Target> order_targets(std::vector<SrvRecord> records, const RandomUpTo& random);

}  // namespace tubes::presence::xmpp
