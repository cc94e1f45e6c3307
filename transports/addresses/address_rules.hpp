// SPDX-License-Identifier: GPL-3.0-or-later
// Which IP addresses a transport may offer, check or connect to, and which of them this machine has.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <string_view>
#include <vector>

#include "tubes/types.hpp"

namespace tubes::transports {

/// What one attempt may do with addresses. Every transport that puts addresses into candidates asks this.
struct AddressRules {
    AddressPolicy policy = AddressPolicy::all;
    bool loopback = false;            ///< Allow 127.0.0.0/8 and ::1: for tests and for peers on one machine.
    bool link_local = false;          ///< Allow 169.254.0.0/16 and fe80::/10.
    bool virtual_interfaces = false;  ///< Allow addresses of VPN and container interfaces.

    /// True if a packet may be sent to `address`, which a peer named. Never unspecified, multicast, broadcast or
    /// IPv4-mapped addresses; with a policy other than `all`, no private ones: they would be this side's neighbours,
    /// and would see its private address.
    bool may_contact(const boost::asio::ip::address& address) const;

    /// True if the peer may be told that this machine's own `address` is one of ours. Never with relay_only.
    bool may_reveal(const boost::asio::ip::address& address) const;
};

/// True for addresses that mean nothing outside one site: RFC 1918, shared (RFC 6598), unique local (RFC 4193),
/// link-local, loopback, unspecified.
bool is_private(const boost::asio::ip::address& address) noexcept;

/// True for names that VPNs, containers and virtual machines give their interfaces: tun*, tap*, wg*, docker*, br-*,
/// tailscale*, cni*, virbr*, veth* with a random suffix (a host's end of a container), and a few more.
bool is_virtual_interface(std::string_view name) noexcept;

/// This machine's addresses on interfaces that are up and not excluded, IPv6 ones that are still being checked for
/// duplicates or are deprecated left out; in the system's order, at most 32. Does not block. Whether they may be
/// revealed is may_reveal()'s question: a relay-only attempt needs them too.
std::vector<boost::asio::ip::address> local_addresses(const AddressRules& rules);

}  // namespace tubes::transports
