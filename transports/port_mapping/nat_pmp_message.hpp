// SPDX-License-Identifier: GPL-3.0-or-later
// What is said to a router to have a port led in, and its answers, checked.
// Spec: RFC 6886 §3.2 (external address), §3.3 (mappings), §3.5 (results).
#pragma once

#include <boost/asio/ip/address_v4.hpp>

#include <chrono>
#include <cstdint>

#include "tubes/core/ids.hpp"
#include "tubes/error.hpp"

namespace tubes::transports {

/// The values are NAT-PMP's operations.
enum class MappedProtocol : std::uint8_t { udp = 1, tcp = 2 };

/// Asks for the router's own address on the internet.
core::Bytes encode_external_address_request();

/// Asks for a port outside (0: any) that leads to `port` of whoever sends this; a `lifetime` of 0 takes it back.
core::Bytes encode_mapping_request(MappedProtocol protocol, std::uint16_t port, std::uint16_t outside,
                                   std::chrono::seconds lifetime);

/// An answer. What a member means follows from `operation`: 0 tells the address, 1 and 2 a mapping.
struct NatPmpAnswer {
    std::uint8_t operation = 0;
    std::uint16_t refusal = 0;  ///< 0: granted, then the rest holds; else a result code of §3.5.
    boost::asio::ip::address_v4 address;
    std::uint16_t port = 0;
    std::uint16_t outside = 0;
    std::chrono::seconds lifetime{0};

    bool operator==(const NatPmpAnswer&) const = default;
};

/// Errc::protocol_violation for what is no answer: another version, a request, a wrong size, a granted port of 0.
result<NatPmpAnswer> parse_nat_pmp_answer(core::ByteView datagram);

}  // namespace tubes::transports
