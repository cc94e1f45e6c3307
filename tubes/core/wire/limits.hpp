// SPDX-License-Identifier: GPL-3.0-or-later
// Every fixed limit of what is read from the wire; configurable ones are in core/link/link.hpp.
// Spec: docs/protocol.md, "Limits".
#pragma once

#include <cstddef>
#include <cstdint>

#include "tubes/core/ports/message_path.hpp"

namespace tubes::wire {

// Signals and control messages. Sizes are bytes of the encoded message, counts are entries of one list.
inline constexpr std::size_t kMaxSignal = 256 * 1024;          ///< One signal or reply.
inline constexpr std::size_t kMaxControlMessage = 192 * 1024;  ///< One control message; holds 32 full parameters.
inline constexpr std::size_t kMaxTransports = 16;              ///< Transport descriptions of a signal.
inline constexpr std::size_t kMaxCandidates = 64;              ///< Candidates of a signal.
inline constexpr std::size_t kMaxAttributes = 16;              ///< Of one description or candidate.
inline constexpr std::size_t kMaxAttributeName = 32;           ///< Bytes.
inline constexpr std::size_t kMaxAttributeValue = 1024;        ///< Bytes.
inline constexpr std::size_t kMaxServices = 256;               ///< Of a service list.
inline constexpr std::uint64_t kMaxOfferLifetime = 7 * 86400;  ///< Seconds.

// Frames.
inline constexpr std::size_t kMaxMessage = core::ports::kMaxMessageSize;  ///< Header and payload of one frame.
inline constexpr std::size_t kDataHeader = 16;                            ///< Bytes of every header but ACK's.
inline constexpr std::size_t kAckHeader = 20;                             ///< Bytes of an ACK frame.
inline constexpr std::size_t kMaxPayload = kMaxMessage - kDataHeader;     ///< Of one DATA frame.
inline constexpr std::size_t kMaxHello = 1024;                            ///< Encoded Hello, without its header.
inline constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 62;       ///< Of a byte within a stream.

// The link.
inline constexpr std::size_t kControlWindow = 256 * 1024;  ///< Constant window of the control stream, bytes.
inline constexpr std::size_t kEarlyBytes = 64 * 1024;      ///< Sent on a new path before it is confirmed.
inline constexpr std::size_t kMaxHeld = 4 * kEarlyBytes;   ///< Received early and held; more closes the path.
inline constexpr std::size_t kMaxPaths = 8;                ///< Paths of one link at once.
inline constexpr std::size_t kMaxPongs = 16;               ///< Answers to probes waiting on one path.
inline constexpr std::size_t kMaxPings = 64;               ///< Probes of our own under way.

// Datagrams.
inline constexpr std::size_t kMaxDatagram = kMaxMessage - kDataHeader;  ///< Content of one DATAGRAM frame, bytes.
inline constexpr std::size_t kFlowQueue = 128 * 1024;  ///< Waiting in one flow, bytes; then its oldest go.
inline constexpr std::size_t kDatagramQueue =
    512 * 1024;                                          ///< Waiting in a link, bytes; then the longest flow's oldest.
inline constexpr std::size_t kDatagramOverhead = 64;     ///< What each waiting datagram counts beside its content.
inline constexpr std::size_t kDatagramTurn = 32 * 1024;  ///< Bytes sent before a stream that waits has its turn.
inline constexpr std::size_t kSeenDatagrams = 1024;      ///< Numbers of a flow in which a repetition is recognised.

// Versions and features of the link protocol.
inline constexpr std::uint32_t kOldestVersion = 1;
inline constexpr std::uint32_t kNewestVersion = 1;
inline constexpr std::uint64_t kFeatureDatagrams = 1;          ///< DATAGRAM frames, and the lane that carries them.
inline constexpr std::uint64_t kFeatures = kFeatureDatagrams;  ///< Both ends use the intersection.

}  // namespace tubes::wire
