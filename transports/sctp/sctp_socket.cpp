// SPDX-License-Identifier: GPL-3.0-or-later
// Socket options of usrsctp, each with its reason.
#include "transports/sctp/sctp_socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <usrsctp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace tubes::transports {
namespace {

/// Room for a path of 200 Mbit/s and 80 ms; SendWindow decides how much of it is used. Larger buffers overshoot slow
/// start (measured at 50 ms: 256 KiB 3.7, 1 MiB 15.4, 2 MiB 22.0, 4 MiB 5.2 to 19.8 MB/s).
constexpr int kBufferSize = 2 * 1024 * 1024 + 64 * 1024;
/// Unacknowledged chunks; usrsctp's 512 would cap the buffer at 600 KB.
constexpr std::uint32_t kMaxChunks = 10 * 1024;
constexpr std::uint32_t kInitialWindowPackets = 10;  // RFC 6928; usrsctp: 3.
constexpr std::uint32_t kMaxBurst = 10;              // usrsctp: 4; without one, slow start overruns queues.
constexpr std::uint32_t kSackDelayMs = 20;           // usrsctp: 200.
constexpr std::uint32_t kInitialRtoMs = 400;
constexpr std::uint32_t kMinRtoMs = 100;  // Well above the peer's SACK delay; usrsctp: 1000.
constexpr std::uint32_t kMaxRtoMs = 5000;
constexpr std::uint32_t kLargestMinRtoMs = 1000;
/// One read of a foreign peer's data, and all reads of one turn.
constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kReadBudget = 256 * 1024;

template <class Value>
bool set_option(struct socket& socket, int level, int name, const Value& value) {
    return usrsctp_setsockopt(&socket, level, name, &value, sizeof(value)) == 0;
}

/// What usrsctp answers about its buffers, and the number to ask by: its own header, but not the installed one.
struct BufferUse {
    sctp_assoc_t association;
    std::uint32_t send;
    std::uint32_t receive;
};
constexpr int kGetBufferUse = 0x1101;  // SCTP_GET_SNDBUF_USE

struct CommonHeader {
    std::uint16_t source_port;
    std::uint16_t destination_port;
    std::uint32_t verification_tag;
    std::uint32_t checksum;
};

sockaddr_conn address_of(SctpId id) {
    sockaddr_conn address{};
    address.sconn_family = AF_CONN;
    address.sconn_port = htons(kSctpPort);
    address.sconn_addr = reinterpret_cast<void*>(id);
    return address;
}

bool subscribe(struct socket& socket) {
    sctp_event event{};
    event.se_assoc_id = SCTP_ALL_ASSOC;
    event.se_type = SCTP_ASSOC_CHANGE;
    event.se_on = 1;
    return set_option(socket, IPPROTO_SCTP, SCTP_EVENT, event);
}

/// What data channels need of SCTP that our own peers do without (RFC 8831 §6.1, §6.7).
bool set_foreign(struct socket& socket, SctpId id) {
    sctp_event resets{};
    resets.se_assoc_id = SCTP_ALL_ASSOC;
    resets.se_type = SCTP_STREAM_RESET_EVENT;
    resets.se_on = 1;
    sctp_assoc_value supported{};
    supported.assoc_value = 1;
    sctp_assoc_value enabled{};
    enabled.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ;
    const int on = 1;
    return usrsctp_set_upcall(&socket, sctp_socket_callbacks().waiting, reinterpret_cast<void*>(id)) == 0 &&
           set_option(socket, IPPROTO_SCTP, SCTP_RECONFIG_SUPPORTED, supported) &&
           set_option(socket, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, enabled) &&
           set_option(socket, IPPROTO_SCTP, SCTP_EVENT, resets) &&
           set_option(socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, on);
}

bool set_timing(struct socket& socket) {
    sctp_rtoinfo timeouts{};
    timeouts.srto_initial = kInitialRtoMs;
    timeouts.srto_min = kMinRtoMs;
    timeouts.srto_max = kMaxRtoMs;
    sctp_sack_info acknowledgements{};
    acknowledgements.sack_delay = kSackDelayMs;
    acknowledgements.sack_freq = 2;
    return set_option(socket, IPPROTO_SCTP, SCTP_RTOINFO, timeouts) &&
           set_option(socket, IPPROTO_SCTP, SCTP_DELAYED_SACK, acknowledgements);
}

bool set_basics(struct socket& socket, const SctpSettings& settings) {
    const int on = 1;
    const int buffer = kBufferSize;
    linger abort_on_close{};
    abort_on_close.l_onoff = 1;
    sctp_initmsg streams{};
    streams.sinit_num_ostreams = settings.streams;
    streams.sinit_max_instreams = settings.streams;
    return usrsctp_set_non_blocking(&socket, 1) == 0 && set_option(socket, SOL_SOCKET, SO_LINGER, abort_on_close) &&
           set_option(socket, SOL_SOCKET, SO_SNDBUF, buffer) && set_option(socket, SOL_SOCKET, SO_RCVBUF, buffer) &&
           set_option(socket, IPPROTO_SCTP, SCTP_NODELAY, on) &&
           set_option(socket, IPPROTO_SCTP, SCTP_INITMSG, streams);
}

}  // namespace

void configure_sctp() {
    // DTLS below protects every byte, and between our own peers both ends leave the checksum out. For foreign peers
    // SctpAssociation fills it in and checks it.
    usrsctp_enable_crc32c_offload();
    usrsctp_sysctl_set_sctp_ecn_enable(0);     // The datagram path does not show the IP header.
    usrsctp_sysctl_set_sctp_asconf_enable(0);  // Addresses change below SCTP, by ICE.
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_pr_enable(1);        // For datagrams (RFC 3758).
    usrsctp_sysctl_set_sctp_reconfig_enable(0);  // Only foreign peers reset streams: set_foreign().
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_blackhole(2);  // No ABORT for what belongs to nobody.
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(kMaxChunks);
    usrsctp_sysctl_set_sctp_initial_cwnd(kInitialWindowPackets);
    usrsctp_sysctl_set_sctp_max_burst_default(kMaxBurst);
    usrsctp_sysctl_set_sctp_delayed_sack_time_default(kSackDelayMs);
    usrsctp_sysctl_set_sctp_rto_min_default(kMinRtoMs);
    // HighSpeed TCP (RFC 3649): 2.5 to 3.5 times NewReno's rate under loss.
    usrsctp_sysctl_set_sctp_default_cc_module(SCTP_CC_HSTCP);
}

void SctpSocketClose::operator()(struct socket* socket) const noexcept {
    usrsctp_close(socket);
}

void forget_sctp_address(SctpId id) {
    usrsctp_deregister_address(reinterpret_cast<void*>(id));
}

result<SctpSocketPtr> open_sctp_socket(SctpId id, const SctpSettings& settings) {
    const auto& callbacks = sctp_socket_callbacks();
    auto* address = reinterpret_cast<void*>(id);
    usrsctp_register_address(address);
    // usrsctp gives callbacks for both directions or for none.
    SctpSocketPtr opened(settings.foreign
                             ? usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr)
                             : usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, callbacks.receive,
                                              callbacks.acknowledged, 0, address));
    auto local = address_of(id);
    if (!opened || !set_basics(*opened, settings) || !set_timing(*opened) || !subscribe(*opened) ||
        (settings.foreign && !set_foreign(*opened, id)) ||
        usrsctp_bind(opened.get(), reinterpret_cast<sockaddr*>(&local), sizeof(local)) != 0) {
        opened.reset();
        usrsctp_deregister_address(address);
        return make_error_code(Errc::internal);
    }
    return opened;
}

result<void> connect_sctp(struct socket& socket, SctpId id, const SctpSettings& settings) {
    auto remote = address_of(id);
    const auto answer = usrsctp_connect(&socket, reinterpret_cast<sockaddr*>(&remote), sizeof(remote));
    if (answer != 0 && errno != EINPROGRESS) return make_error_code(Errc::internal);
    set_sctp_mtu(socket, id, settings.mtu);
    return {};
}

SctpTaken send_sctp(struct socket& socket, std::uint16_t stream, std::uint32_t protocol, SctpDelivery delivery,
                    core::ByteView message) {
    sctp_sendv_spa info{};
    info.sendv_flags = SCTP_SEND_SNDINFO_VALID;
    info.sendv_sndinfo.snd_sid = stream;
    info.sendv_sndinfo.snd_ppid = htonl(protocol);
    info.sendv_sndinfo.snd_flags = SCTP_EOR;
    if (delivery == SctpDelivery::once) {
        info.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        info.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
        info.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
        info.sendv_prinfo.pr_value = 0;
    }
    const auto sent =
        usrsctp_sendv(&socket, message.data(), message.size(), nullptr, 0, &info, sizeof(info), SCTP_SENDV_SPA, 0);
    if (sent == static_cast<ssize_t>(message.size())) return SctpTaken::yes;
    const bool full = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS);
    return full ? SctpTaken::full : SctpTaken::broken;
}

void receive_sctp(SctpId id, core::ByteView packet) {
    usrsctp_conninput(reinterpret_cast<void*>(id), packet.data(), packet.size(), 0);
}

std::size_t sctp_send_buffer() noexcept {
    return kBufferSize;
}

std::optional<std::size_t> sctp_congestion_window(struct socket& socket) {
    sctp_status status{};
    socklen_t size = sizeof(status);
    if (usrsctp_getsockopt(&socket, IPPROTO_SCTP, SCTP_STATUS, &status, &size) != 0) return std::nullopt;
    return status.sstat_primary.spinfo_cwnd;
}

std::optional<std::size_t> sctp_queued(struct socket& socket) {
    BufferUse use{};
    socklen_t size = sizeof(use);
    if (usrsctp_getsockopt(&socket, IPPROTO_SCTP, kGetBufferUse, &use, &size) != 0) return std::nullopt;
    return use.send;
}

std::size_t sctp_packet_size(std::size_t mtu) noexcept {
    constexpr std::size_t kDataChunkHeader = 16;  // RFC 9260 §3.3.1
    return (mtu & ~std::size_t{3}) - sizeof(CommonHeader) - kDataChunkHeader;
}

void set_sctp_mtu(struct socket& socket, SctpId id, std::size_t mtu) {
    sctp_paddrparams path{};
    const auto remote = address_of(id);
    std::memcpy(&path.spp_address, &remote, sizeof(remote));
    path.spp_flags = SPP_PMTUD_DISABLE;
    // usrsctp adds the common header to what it is given here; chunks are padded to four bytes.
    path.spp_pathmtu = static_cast<std::uint32_t>((mtu & ~std::size_t{3}) - sizeof(CommonHeader));
    set_option(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, path);
}

void set_sctp_minimum_timeout(struct socket& socket, std::chrono::milliseconds timeout) {
    sctp_rtoinfo timeouts{};  // What is zero stays as it is.
    timeouts.srto_min = std::clamp(static_cast<std::uint32_t>(timeout.count()), kMinRtoMs, kLargestMinRtoMs);
    set_option(socket, IPPROTO_SCTP, SCTP_RTOINFO, timeouts);
}

void set_sctp_checksum(std::span<std::uint8_t> packet) {
    if (packet.size() < sizeof(CommonHeader)) return;
    auto* field = packet.data() + offsetof(CommonHeader, checksum);
    std::memset(field, 0, sizeof(CommonHeader::checksum));
    const auto sum = usrsctp_crc32c(packet.data(), packet.size());
    std::memcpy(field, &sum, sizeof(sum));
}

bool has_sctp_checksum(core::ByteView packet) {
    if (packet.size() < sizeof(CommonHeader)) return false;
    core::Bytes copy(packet.begin(), packet.end());
    set_sctp_checksum(copy);
    return std::equal(copy.begin(), copy.begin() + sizeof(CommonHeader), packet.begin());
}

bool read_sctp(struct socket& socket, std::vector<SctpInput>& inputs) {
    for (std::size_t total = 0; total < kReadBudget;) {
        SctpInput input;
        input.data.reset(std::malloc(kReadSize));
        if (!input.data) return true;
        sctp_rcvinfo info{};
        socklen_t info_size = sizeof(info);
        unsigned int info_type = 0;
        int flags = 0;
        const auto size = usrsctp_recvv(&socket, input.data.get(), kReadSize, nullptr, nullptr, &info, &info_size,
                                        &info_type, &flags);
        const bool nothing = size < 0 && (errno == EWOULDBLOCK || errno == EAGAIN || errno == ENOTCONN);
        if (nothing) return false;
        if (size <= 0) {
            inputs.push_back({});
            return false;
        }
        input.size = static_cast<std::size_t>(size);
        input.data.reset(std::realloc(input.data.release(), input.size));
        input.notification = (flags & MSG_NOTIFICATION) != 0;
        input.last = (flags & MSG_EOR) != 0;
        if (info_type == SCTP_RECVV_RCVINFO) {
            input.stream = info.rcv_sid;
            input.protocol = ntohl(info.rcv_ppid);
        }
        total += input.size;
        inputs.push_back(std::move(input));
    }
    return true;
}

void reset_sctp_stream(struct socket& socket, std::uint16_t stream) {
    std::array<std::uint8_t, sizeof(sctp_reset_streams) + sizeof(stream)> request{};
    sctp_reset_streams header{};
    header.srs_flags = SCTP_STREAM_RESET_OUTGOING;
    header.srs_number_streams = 1;
    std::memcpy(request.data(), &header, sizeof(header));
    std::memcpy(request.data() + sizeof(header), &stream, sizeof(stream));
    set_option(socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, request);
}

void shutdown_sctp(struct socket& socket) {
    usrsctp_shutdown(&socket, SHUT_WR);
}

SctpChange read_sctp_change(core::ByteView notification) noexcept {
    sctp_assoc_change change{};
    if (notification.size() < sizeof(change)) return SctpChange::none;
    std::memcpy(&change, notification.data(), sizeof(change));
    if (change.sac_type != SCTP_ASSOC_CHANGE) return SctpChange::none;
    switch (change.sac_state) {
        case SCTP_COMM_UP: return SctpChange::up;
        case SCTP_COMM_LOST: return SctpChange::lost;
        case SCTP_CANT_STR_ASSOC: return SctpChange::refused;
        case SCTP_SHUTDOWN_COMP: return SctpChange::finished;
        default: return SctpChange::none;  // SCTP_RESTART: the same peer inside the same DTLS session.
    }
}

std::vector<std::uint16_t> read_sctp_resets(core::ByteView notification) {
    sctp_stream_reset_event event{};
    std::vector<std::uint16_t> streams;
    if (notification.size() < sizeof(event)) return streams;
    std::memcpy(&event, notification.data(), sizeof(event));
    const bool incoming = event.strreset_type == SCTP_STREAM_RESET_EVENT &&
                          (event.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0 &&
                          (event.strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) == 0;
    if (!incoming) return streams;
    const auto list = notification.subspan(sizeof(event));
    streams.resize(list.size() / sizeof(std::uint16_t));
    if (!streams.empty()) std::memcpy(streams.data(), list.data(), streams.size() * sizeof(std::uint16_t));
    return streams;
}

}  // namespace tubes::transports
