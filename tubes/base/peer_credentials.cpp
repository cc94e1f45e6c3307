// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the kernel.
#include "tubes/base/peer_credentials.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace tubes::base {

bool PeerCredentials::is_same_user() const noexcept {
    return user == ::geteuid();
}

std::optional<PeerCredentials> peer_credentials(int socket) noexcept {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return PeerCredentials{credentials.pid, credentials.uid};
}

}  // namespace tubes::base
