// SPDX-License-Identifier: GPL-3.0-or-later
// Listens on this machine's addresses for as long as one path attempt is open.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>

#include "tubes/error.hpp"

namespace tubes::transports {

/// Connections that one listener takes in its life; a flood closes it, and the attempt goes on dialling.
inline constexpr std::size_t kMaxAcceptedConnections = 1024;

/// Accepts TCP connections on exactly the addresses it is told. Says nothing to anybody.
class Listener final {
public:
    using Accepted = std::function<void(boost::asio::ip::tcp::socket)>;

    /// `accepted` is told each connection from the loop, never inside listen().
    Listener(boost::asio::any_io_executor executor, Accepted accepted);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Begins on a port that the system chooses, and returns the endpoint. Errc::address_in_use or what the socket
    /// says: the address is not usable (any more).
    result<boost::asio::ip::tcp::endpoint> listen(const boost::asio::ip::address& address);

private:
    struct Shared;
    struct Entrance;
    std::shared_ptr<Shared> shared_;
};

}  // namespace tubes::transports
