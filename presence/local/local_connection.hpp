// SPDX-License-Identifier: GPL-3.0-or-later
// The local protocol: this user's nodes on this machine, without server or account.
// Spec: docs/protocol.md, "The local protocol".
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "tubes/core/ports/connection.hpp"

namespace tubes::presence::local {

/// The contact address that stands for this user on this machine.
inline constexpr std::string_view kSelf = "local";

struct LocalConfiguration {
    std::filesystem::path directory;  ///< Where nodes meet; created with mode 0700.
    std::string name;                 ///< This node's name among them, [A-Za-z0-9._-]{1,64}.
};

/// A connection of which every peer is a node of the same user, by the kernel's word (SO_PEERCRED). `executor` runs
/// one thread or is a strand. Presence is the connection between two nodes: it ends when either process does.
std::unique_ptr<core::ports::Connection> make_local_connection(boost::asio::any_io_executor executor,
                                                               LocalConfiguration configuration);

}  // namespace tubes::presence::local
