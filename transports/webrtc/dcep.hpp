// SPDX-License-Identifier: GPL-3.0-or-later
// The messages that open a data channel.
// Spec: RFC 8832 §5 (messages), §8.2 (numbers); RFC 8831 §8 (payload protocols).
#pragma once

#include <cstdint>
#include <string>

#include "tubes/core/ids.hpp"
#include "tubes/error.hpp"

namespace tubes::transports {

/// What a message on a data channel is (RFC 8831 §8); SCTP's payload protocol identifier.
enum class WebProtocol : std::uint32_t {
    control = 50,  ///< DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK.
    text = 51,
    binary = 53,
    empty_text = 56,    ///< SCTP carries no empty message: one byte that is ignored (RFC 8831 §6.6).
    empty_binary = 57,  ///< The same.
};

/// DATA_CHANNEL_OPEN.
struct DataChannelOpen {
    bool ordered = true;
    bool reliable = true;
    std::uint16_t priority = 256;   ///< "Normal"; not used.
    std::uint32_t reliability = 0;  ///< Retransmissions or milliseconds of an unreliable channel.
    bool by_time = false;           ///< `reliability` is a time.
    std::string label;              ///< The page's name for it; untrusted.
    std::string protocol;           ///< Untrusted.

    bool operator==(const DataChannelOpen&) const = default;
};

/// The largest label and the largest protocol that are read, in bytes.
inline constexpr std::size_t kMaxChannelText = 1024;

/// Errc::protocol_violation for what is no well-formed DATA_CHANNEL_OPEN or has longer texts.
result<DataChannelOpen> parse_channel_open(core::ByteView message);
core::Bytes encode_channel_open(const DataChannelOpen& open);

/// Whether `message` is DATA_CHANNEL_ACK.
bool is_channel_ack(core::ByteView message) noexcept;
core::Bytes encode_channel_ack();

}  // namespace tubes::transports
