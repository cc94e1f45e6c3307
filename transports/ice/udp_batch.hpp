// SPDX-License-Identifier: GPL-3.0-or-later
// Many datagrams in one system call: UDP segmentation offload to send, receive offload to receive (Linux).
// Spec: udp(7), UDP_SEGMENT and UDP_GRO.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "tubes/core/ids.hpp"

namespace tubes::transports {

/// Borrows a connected, non-blocking UDP socket.
class UdpBatch {
public:
    /// Asks the kernel for both offloads and connects `socket` to `peer`; false, and the socket is as it was, if it
    /// cannot. Another reader of the socket has to stop now: it would find datagrams glued together.
    static bool prepare(int socket, const sockaddr_storage& peer, socklen_t peer_size);

    explicit UdpBatch(int socket);

    struct Sent {
        std::size_t datagrams = 0;
        int error = 0;  ///< errno that ended the batch: EAGAIN, or that there is no way to the peer just now.
    };
    /// Sends datagrams that lie one after the other in `bytes`, in runs of equal size, one call a run.
    Sent send(core::ByteView bytes, std::span<const std::uint32_t> sizes);

    /// Reads once; `take(ByteView)` is called for each datagram. False if there was nothing to read.
    template <class Take>
    bool receive(Take&& take) {
        std::size_t segment = 0;
        const auto size = read(segment);
        if (size < 0) return false;
        core::ByteView rest(buffer_.get(), static_cast<std::size_t>(size));
        while (!rest.empty()) {
            const auto one = rest.first(std::min(segment, rest.size()));
            rest = rest.subspan(one.size());
            take(one);
        }
        return true;
    }

private:
    /// Bytes read, 0 after an error that is over now; -1 if there was nothing. `segment` is the size of each datagram.
    std::ptrdiff_t read(std::size_t& segment);
    int send_run(core::ByteView run, std::size_t segment) const;

    int socket_;
    bool segments_ = true;  ///< The way out takes offload; false after it did not.
    std::unique_ptr<std::uint8_t[]> buffer_;
};

}  // namespace tubes::transports
