// SPDX-License-Identifier: GPL-3.0-or-later
// Reasons that cross the network.
#include "tubes/core/tube/reasons.hpp"

namespace tubes::core {

Errc to_errc(const error_code& error, Errc otherwise) noexcept {
    if (error.category() != tubes_category()) return otherwise;
    return static_cast<Errc>(error.value());
}

Errc from_peer(Errc reason) noexcept {
    switch (reason) {
        case Errc::not_available:
        case Errc::refused:
        case Errc::cancelled:
        case Errc::timed_out:
        case Errc::no_path:
        case Errc::taken:
        case Errc::withdrawn:
        case Errc::expired:
        case Errc::identity_mismatch:
        case Errc::limit_exceeded:
        case Errc::already_exists:
        case Errc::connection_refused: return reason;
        default: return Errc::broken;
    }
}

}  // namespace tubes::core
