// SPDX-License-Identifier: GPL-3.0-or-later
// What a router answers to a packet that is too large for its next link. Spec: RFC 792 "Destination Unreachable"; RFC
// 1191 §4.
#pragma once

#include <optional>

#include "tests/netlab/link_model.hpp"

namespace tubes::netlab {

/// The ICMP message "fragmentation needed" for an IPv4 packet, as from the host it was meant for; nothing for a packet
/// that may be fragmented (this link drops those, too), for ICMP itself, and for IPv6.
std::optional<Packet> too_large_answer(const Packet& packet, std::size_t mtu);

}  // namespace tubes::netlab
