// SPDX-License-Identifier: GPL-3.0-or-later
// Who is at the other end of a Unix socket.
#pragma once

#include <sys/types.h>

#include <optional>

namespace tubes::base {

/// What the kernel says of the process that connected, or listened (unix(7), SO_PEERCRED).
struct PeerCredentials {
    pid_t process;
    uid_t user;

    /// It runs as the user that this process acts for.
    bool is_same_user() const noexcept;
};

/// Of a connected Unix socket; nothing if the kernel does not say.
std::optional<PeerCredentials> peer_credentials(int socket) noexcept;

}  // namespace tubes::base
