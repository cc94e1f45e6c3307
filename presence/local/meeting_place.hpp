// SPDX-License-Identifier: GPL-3.0-or-later
// The directory in which the nodes of one user on one machine find each other: one Unix socket a node.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tubes/error.hpp"

namespace tubes::presence::local {

/// A directory of node sockets, mode 0700 and owned by this user. Blocking file access, but only to a runtime
/// directory in memory.
class MeetingPlace {
public:
    /// Creates the directory if it is missing. not_available if it belongs to somebody else or others may enter it.
    static result<MeetingPlace> open(std::filesystem::path directory);

    /// Binds `acceptor` to the socket of `name` so that others see it only once it listens. already_exists if a
    /// running node has that name; a socket left behind by a dead node is replaced.
    result<void> publish(boost::asio::local::stream_protocol::acceptor& acceptor, const std::string& name) const;
    void withdraw(const std::string& name) const noexcept;

    /// Names with a socket here, dead ones included.
    std::vector<std::string> names() const;
    boost::asio::local::stream_protocol::endpoint endpoint(const std::string& name) const;
    /// Removes the socket of a node that refused a connection, if it still is the one that refused.
    void remove_dead(const std::string& name) const noexcept;

private:
    explicit MeetingPlace(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path socket_path(const std::string& name) const;

    std::filesystem::path directory_;
};

}  // namespace tubes::presence::local
