// SPDX-License-Identifier: GPL-3.0-or-later
// What both kinds of UDP endpoint share: a socket that is read in batches.
#pragma once

#include <boost/asio/ip/udp.hpp>

#include "tubes/base/bytes.hpp"

namespace tubes::endpoints {

using boost::asio::ip::udp;

inline constexpr std::size_t kLargestUdp = 65536;      // bytes; more than any UDP datagram holds
inline constexpr int kUdpBuffer = 1024 * 1024;         // bytes of the kernel's buffers, as far as it allows
inline constexpr std::size_t kDatagramsPerTurn = 128;  // read before other work of the loop gets its turn

/// Opens a non-blocking socket for addresses like `address`.
inline error_code open_udp(udp::socket& socket, const udp::endpoint& address) {
    boost::system::error_code error;
    boost::system::error_code ignored;
    socket.open(address.protocol(), error);
    if (error) return error;
    socket.non_blocking(true, error);
    socket.set_option(udp::socket::receive_buffer_size(kUdpBuffer), ignored);
    socket.set_option(udp::socket::send_buffer_size(kUdpBuffer), ignored);
    return error;
}

}  // namespace tubes::endpoints
