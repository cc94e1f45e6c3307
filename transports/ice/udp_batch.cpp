// SPDX-License-Identifier: GPL-3.0-or-later
// The system calls, and what to do where offload does not work.
#include "transports/ice/udp_batch.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tubes::transports {
namespace {

/// At most this many segments and bytes in one call (the kernel's UDP_MAX_SEGMENTS is 64).
constexpr std::size_t kMaxSegments = 60;
constexpr std::size_t kMaxRun = 65000;
constexpr std::size_t kLargestRead = 64 * 1024;

bool set_option(int socket, int option, int value) {
    return setsockopt(socket, IPPROTO_UDP, option, &value, sizeof(value)) == 0;
}

/// Length of the run at the front: equal sizes, of which the last may be smaller.
std::size_t run_length(std::span<const std::uint32_t> sizes) {
    std::size_t count = 1;
    std::size_t bytes = sizes[0];
    while (count < sizes.size() && count < kMaxSegments && sizes[count] <= sizes[0] &&
           bytes + sizes[count] <= kMaxRun) {
        bytes += sizes[count];
        if (sizes[count++] < sizes[0]) break;
    }
    return count;
}

}  // namespace

bool UdpBatch::prepare(int socket, const sockaddr_storage& peer, socklen_t peer_size) {
    if (!set_option(socket, UDP_SEGMENT, 0) || !set_option(socket, UDP_GRO, 1)) return false;
    if (connect(socket, reinterpret_cast<const sockaddr*>(&peer), peer_size) == 0) return true;
    set_option(socket, UDP_GRO, 0);
    return false;
}

UdpBatch::UdpBatch(int socket) : socket_(socket), buffer_(new std::uint8_t[kLargestRead]) {}

int UdpBatch::send_run(core::ByteView run, std::size_t segment) const {
    iovec vector{const_cast<std::uint8_t*>(run.data()), run.size()};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(std::uint16_t))] = {};
    if (run.size() > segment) {
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        auto* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = IPPROTO_UDP;
        header->cmsg_type = UDP_SEGMENT;
        header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
        const auto size = static_cast<std::uint16_t>(segment);
        std::memcpy(CMSG_DATA(header), &size, sizeof(size));
    }
    // A refusal that an earlier datagram met is told once, at the next call.
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (sendmsg(socket_, &message, MSG_NOSIGNAL) >= 0) return 0;
        if (errno != ECONNREFUSED && errno != EINTR) break;
    }
    return errno;
}

UdpBatch::Sent UdpBatch::send(core::ByteView bytes, std::span<const std::uint32_t> sizes) {
    Sent sent;
    while (sent.datagrams < sizes.size()) {
        const auto rest = sizes.subspan(sent.datagrams);
        const auto count = segments_ ? run_length(rest) : 1;
        std::size_t size = 0;
        for (const auto each : rest.first(count)) size += each;
        const auto error = send_run(bytes.first(size), rest[0]);
        if (count > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP)) {
            segments_ = false;  // The interface cannot: one by one from now on.
            continue;
        }
        // What is too large for the way is lost, as on any path; the rest may pass.
        if (error != 0 && error != EMSGSIZE) {
            sent.error = error;
            break;
        }
        bytes = bytes.subspan(size);
        sent.datagrams += count;
    }
    return sent;
}

std::ptrdiff_t UdpBatch::read(std::size_t& segment) {
    iovec vector{buffer_.get(), kLargestRead};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const auto size = recvmsg(socket_, &message, 0);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
    segment = static_cast<std::size_t>(size);
    for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != IPPROTO_UDP || header->cmsg_type != UDP_GRO) continue;
        int value = 0;
        std::memcpy(&value, CMSG_DATA(header), sizeof(value));
        if (value > 0) segment = static_cast<std::size_t>(value);
    }
    return size;
}

}  // namespace tubes::transports
