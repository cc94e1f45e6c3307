// SPDX-License-Identifier: GPL-3.0-or-later
// Builds the message by hand: an IPv4 header, the ICMP header, and what RFC 792 quotes of the packet.
#include "tests/netlab/too_large.hpp"

#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <cstring>

namespace tubes::netlab {
namespace {

constexpr std::size_t kIpHeader = sizeof(iphdr);
constexpr std::size_t kIcmpHeader = sizeof(icmphdr);
constexpr std::size_t kQuotedPayload = 8;  // RFC 792

// RFC 1071; what it covers is of even length here.
std::uint16_t checksum(const std::uint8_t* bytes, std::size_t size) {
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at + 1 < size; at += 2) sum += static_cast<std::uint32_t>(bytes[at] << 8U | bytes[at + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16U);
    return htons(static_cast<std::uint16_t>(~sum));
}

}  // namespace

std::optional<Packet> too_large_answer(const Packet& packet, std::size_t mtu) {
    iphdr original{};
    if (packet.size() < kIpHeader) return std::nullopt;
    std::memcpy(&original, packet.data(), kIpHeader);
    const std::size_t header = original.ihl * 4U;
    const bool fixed = (ntohs(original.frag_off) & IP_DF) != 0;
    if (original.version != 4 || !fixed || original.protocol == IPPROTO_ICMP ||
        packet.size() < header + kQuotedPayload) {
        return std::nullopt;
    }
    const std::size_t quoted = header + kQuotedPayload;
    Packet answer(kIpHeader + kIcmpHeader + quoted);
    iphdr outer{};
    outer.version = 4;
    outer.ihl = kIpHeader / 4;
    outer.tot_len = htons(static_cast<std::uint16_t>(answer.size()));
    outer.ttl = IPDEFTTL;
    outer.protocol = IPPROTO_ICMP;
    outer.saddr = original.daddr;
    outer.daddr = original.saddr;
    outer.check = checksum(reinterpret_cast<const std::uint8_t*>(&outer), kIpHeader);
    icmphdr inner{};
    inner.type = ICMP_DEST_UNREACH;
    inner.code = ICMP_FRAG_NEEDED;
    inner.un.frag.mtu = htons(static_cast<std::uint16_t>(mtu));
    std::memcpy(answer.data(), &outer, kIpHeader);
    std::memcpy(answer.data() + kIpHeader, &inner, kIcmpHeader);
    std::copy_n(packet.begin(), quoted, answer.begin() + kIpHeader + kIcmpHeader);
    inner.checksum = checksum(answer.data() + kIpHeader, kIcmpHeader + quoted);
    std::memcpy(answer.data() + kIpHeader, &inner, kIcmpHeader);
    return answer;
}

}  // namespace tubes::netlab
