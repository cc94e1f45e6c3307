// SPDX-License-Identifier: GPL-3.0-or-later
// Fixed sizes, big-endian numbers.
#include "transports/port_mapping/nat_pmp_message.hpp"

namespace tubes::transports {
namespace {

constexpr std::uint8_t kVersion = 0;
constexpr std::uint8_t kAnswer = 128;           // Added to the operation.
constexpr std::size_t kAddressAnswerSize = 12;  // RFC 6886 §3.2.
constexpr std::size_t kMappingAnswerSize = 16;  // RFC 6886 §3.3.
constexpr std::size_t kRefusalSize = 8;         // The least that has a result: §3.5, and answers to other versions.

void append(core::Bytes& bytes, std::uint32_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t read(core::ByteView bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
    return value;
}

}  // namespace

core::Bytes encode_external_address_request() {
    return {kVersion, 0};
}

core::Bytes encode_mapping_request(MappedProtocol protocol, std::uint16_t port, std::uint16_t outside,
                                   std::chrono::seconds lifetime) {
    core::Bytes request{kVersion, static_cast<std::uint8_t>(protocol), 0, 0};
    append(request, port, 2);
    append(request, outside, 2);
    append(request, static_cast<std::uint32_t>(lifetime.count()), 4);
    return request;
}

result<NatPmpAnswer> parse_nat_pmp_answer(core::ByteView datagram) {
    const auto violation = make_error_code(Errc::protocol_violation);
    if (datagram.size() < kRefusalSize || datagram[0] != kVersion || datagram[1] < kAnswer) return violation;
    NatPmpAnswer answer;
    answer.operation = static_cast<std::uint8_t>(datagram[1] - kAnswer);
    answer.refusal = static_cast<std::uint16_t>(read(datagram, 2, 2));
    if (answer.operation > static_cast<std::uint8_t>(MappedProtocol::tcp)) return violation;
    const bool is_mapping = answer.operation != 0;
    const auto whole = is_mapping ? kMappingAnswerSize : kAddressAnswerSize;
    if (datagram.size() != whole && (answer.refusal == 0 || datagram.size() > whole)) return violation;
    if (is_mapping && datagram.size() == whole) {
        answer.port = static_cast<std::uint16_t>(read(datagram, 8, 2));
        answer.outside = static_cast<std::uint16_t>(read(datagram, 10, 2));
        answer.lifetime = std::chrono::seconds(read(datagram, 12, 4));
        const bool takes_back = answer.lifetime.count() == 0;
        if (answer.refusal == 0 && !takes_back && (answer.port == 0 || answer.outside == 0)) return violation;
    } else if (!is_mapping && answer.refusal == 0) {
        answer.address = boost::asio::ip::address_v4(read(datagram, 8, 4));
    }
    return answer;
}

}  // namespace tubes::transports
