// SPDX-License-Identifier: GPL-3.0-or-later
// usrsctp's sockets and settings. Every function runs inside SctpStack::enter.
// Spec: RFC 6458 (socket options); RFC 8831 §6 (what data channels ask of SCTP).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "transports/sctp/sctp_stack.hpp"
#include "tubes/core/ports/message_path.hpp"

struct socket;
union sctp_sockstore;
struct sctp_rcvinfo;

namespace tubes::transports {

/// Both ends' SCTP port (RFC 8841 §12.1 names the same default).
inline constexpr std::uint16_t kSctpPort = 5000;

struct SctpSocketCallbacks {
    int (*receive)(struct socket*, union sctp_sockstore, void*, std::size_t, struct sctp_rcvinfo, int, void*);
    int (*acknowledged)(struct socket*, std::uint32_t, void*);
    void (*waiting)(struct socket*, void*, int);  ///< Of a foreign peer: something can be read.
};

/// The callbacks that feed SctpEvents.
const SctpSocketCallbacks& sctp_socket_callbacks() noexcept;

/// Process-wide defaults; called by SctpStack once usrsctp is started.
void configure_sctp();

struct SctpSettings {
    std::uint16_t streams = core::ports::kLaneCount + 1;  ///< In each direction: the lanes and that of datagrams.
    std::size_t mtu = 1160;                               ///< Largest SCTP packet.
    /// The peer is none of ours: packets carry real checksums, streams can be reset (RFC 6525), and what arrives waits
    /// in usrsctp, where it counts against the window that the peer sees, until read_sctp() takes it.
    bool foreign = false;
};

/// Closes with an ABORT if the association still stands. Never blocks.
struct SctpSocketClose {
    void operator()(struct socket* socket) const noexcept;
};
using SctpSocketPtr = std::unique_ptr<struct socket, SctpSocketClose>;

/// A configured socket, bound but not connected; Errc::internal if usrsctp refuses. Once it is closed,
/// forget_sctp_address() takes the id out of usrsctp's tables.
result<SctpSocketPtr> open_sctp_socket(SctpId id, const SctpSettings& settings);

void forget_sctp_address(SctpId id);

/// Begins the association. Both ends do (RFC 9260 §5.2.1). Errc::internal if usrsctp refuses.
result<void> connect_sctp(struct socket& socket, SctpId id, const SctpSettings& settings);

/// Whether usrsctp took a message: no room just now, or the association is over.
enum class SctpTaken : std::uint8_t { yes, full, broken };
/// How a message travels: in order and until it arrives, or out of order and sent once (RFC 3758).
enum class SctpDelivery : std::uint8_t { reliable, once };
/// Hands usrsctp one whole message.
SctpTaken send_sctp(struct socket& socket, std::uint16_t stream, std::uint32_t protocol, SctpDelivery delivery,
                    core::ByteView message);

/// Hands usrsctp a packet that arrived.
void receive_sctp(SctpId id, core::ByteView packet);

/// Size of the send buffer: what acknowledged() reports is to be taken from it.
std::size_t sctp_send_buffer() noexcept;

/// Congestion window in bytes, absent when there is no association.
std::optional<std::size_t> sctp_congestion_window(struct socket& socket);

/// Bytes of a foreign peer's association that are not acknowledged, sent or not; absent when there is none.
std::optional<std::size_t> sctp_queued(struct socket& socket);

/// The largest message that one packet carries where packets have `mtu` bytes.
std::size_t sctp_packet_size(std::size_t mtu) noexcept;

/// Largest packet from now on; follows the path below.
void set_sctp_mtu(struct socket& socket, SctpId id, std::size_t mtu);

/// Shortest retransmission timeout from now on, between 100 ms and 1 s.
void set_sctp_minimum_timeout(struct socket& socket, std::chrono::milliseconds timeout);

/// Fills in or checks the checksum of a packet (RFC 9260 §6.8): between our own peers nobody does, DTLS protects it.
void set_sctp_checksum(std::span<std::uint8_t> packet);
bool has_sctp_checksum(core::ByteView packet);

/// Takes what waits from a foreign peer, about 256 KiB at most; true if more may wait.
bool read_sctp(struct socket& socket, std::vector<SctpInput>& inputs);

/// Closes our direction of a stream once all that was taken for it has arrived (RFC 6525 §5.1.2).
void reset_sctp_stream(struct socket& socket, std::uint16_t stream);

/// Sends what was taken, then SHUTDOWN (RFC 9260 §9.2).
void shutdown_sctp(struct socket& socket);

/// What a notification says of the association.
enum class SctpChange : std::uint8_t { none, up, lost, refused, finished };
SctpChange read_sctp_change(core::ByteView notification) noexcept;
/// The streams whose direction to us the peer has closed; none for other notifications.
std::vector<std::uint16_t> read_sctp_resets(core::ByteView notification);

}  // namespace tubes::transports
