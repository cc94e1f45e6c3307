// SPDX-License-Identifier: GPL-3.0-or-later
// Address classes by their RFCs, interfaces by name.
#include "transports/addresses/address_rules.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "tubes/base/bytes.hpp"

namespace tubes::transports {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

constexpr std::size_t kMaxAddresses = 32;

bool in_range(const address_v4& candidate, std::uint32_t network, int bits) noexcept {
    return (candidate.to_uint() >> (32 - bits)) == (network >> (32 - bits));
}

bool is_link_local(const address& candidate) noexcept {
    return candidate.is_v4() ? in_range(candidate.to_v4(), 0xa9fe0000, 16) : candidate.to_v6().is_link_local();
}

bool is_private_v4(const address_v4& candidate) noexcept {
    return in_range(candidate, 0x0a000000, 8) || in_range(candidate, 0xac100000, 12) ||
           in_range(candidate, 0xc0a80000, 16) || in_range(candidate, 0x64400000, 10) ||
           in_range(candidate, 0x7f000000, 8) || in_range(candidate, 0xa9fe0000, 16) ||
           in_range(candidate, 0x00000000, 8);
}

bool is_private_v6(const address_v6& candidate) noexcept {
    const auto bytes = candidate.to_bytes();
    return (bytes[0] & 0xfe) == 0xfc || candidate.is_link_local() || candidate.is_site_local() ||
           candidate.is_loopback() || candidate.is_unspecified();
}

/// Never a peer, whatever the rules say.
bool is_unusable(const address& candidate) noexcept {
    if (candidate.is_unspecified() || candidate.is_multicast()) return true;
    if (candidate.is_v4())
        return in_range(candidate.to_v4(), 0x00000000, 8) || in_range(candidate.to_v4(), 0xf0000000, 4);
    return candidate.to_v6().is_v4_mapped();
}

bool is_allowed_class(const AddressRules& rules, const address& candidate) noexcept {
    if (is_unusable(candidate)) return false;
    if (candidate.is_loopback()) return rules.loopback;
    return rules.link_local || !is_link_local(candidate);
}

/// IPv6 addresses that may not be used (tentative, failed) or should not be used any more (deprecated).
std::set<address_v6> unusable_v6() {
    constexpr unsigned kDeprecated = 0x20, kTentative = 0x40, kFailed = 0x08;  // IFA_F_*, linux/if_addr.h.
    std::set<address_v6> found;
    std::ifstream table("/proc/net/if_inet6");
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string hex, index, prefix, scope, flags;
        if (!(fields >> hex >> index >> prefix >> scope >> flags)) continue;
        const auto decoded = base::from_hex(hex);
        if (!decoded || decoded->size() != 16) continue;
        const auto bits = std::strtoul(flags.c_str(), nullptr, 16);
        if ((bits & (kDeprecated | kTentative | kFailed)) == 0) continue;
        address_v6::bytes_type bytes;
        std::copy(decoded->begin(), decoded->end(), bytes.begin());
        found.insert(address_v6(bytes));
    }
    return found;
}

address to_address(const sockaddr& socket_address) {
    if (socket_address.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &socket_address, sizeof(v4));
        return address_v4(ntohl(v4.sin_addr.s_addr));
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &socket_address, sizeof(v6));
    address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    const address_v6 plain(bytes);
    return plain.is_link_local() ? address_v6(bytes, v6.sin6_scope_id) : plain;
}

bool is_candidate_interface(const ifaddrs& entry, const AddressRules& rules) {
    if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0 || (entry.ifa_flags & IFF_RUNNING) == 0)
        return false;
    const auto family = entry.ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) return false;
    return rules.virtual_interfaces || !is_virtual_interface(entry.ifa_name);
}

}  // namespace

bool is_private(const address& candidate) noexcept {
    return candidate.is_v4() ? is_private_v4(candidate.to_v4()) : is_private_v6(candidate.to_v6());
}

bool AddressRules::may_contact(const address& candidate) const {
    if (!is_allowed_class(*this, candidate)) return false;
    return policy == AddressPolicy::all || (candidate.is_loopback() && loopback) || !is_private(candidate);
}

bool AddressRules::may_reveal(const address& candidate) const {
    if (policy == AddressPolicy::relay_only || !is_allowed_class(*this, candidate)) return false;
    return policy == AddressPolicy::all || !is_private(candidate);
}

bool is_virtual_interface(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 18> kPrefixes{"tun",    "tap",    "wg",      "docker", "br-",  "tailscale",
                                                         "cni",    "virbr",  "vnet",    "veth",   "utun", "zt",
                                                         "nebula", "podman", "flannel", "cali",   "lxc",  "vboxnet"};
    return std::any_of(kPrefixes.begin(), kPrefixes.end(), [name](auto prefix) { return name.starts_with(prefix); });
}

std::vector<address> local_addresses(const AddressRules& rules) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
    const auto unusable = unusable_v6();
    std::vector<address> found;
    for (const auto* entry = list; entry != nullptr && found.size() < kMaxAddresses; entry = entry->ifa_next) {
        if (!is_candidate_interface(*entry, rules)) continue;
        const auto candidate = to_address(*entry->ifa_addr);
        if (!is_allowed_class(rules, candidate)) continue;
        if (candidate.is_v6() && unusable.count(address_v6(candidate.to_v6().to_bytes())) > 0) continue;
        if (std::find(found.begin(), found.end(), candidate) == found.end()) found.push_back(candidate);
    }
    return found;
}

}  // namespace tubes::transports
