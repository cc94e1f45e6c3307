// SPDX-License-Identifier: GPL-3.0-or-later
// What a user can do when an account does not come online.
#include <fmt/format.h>

#include "tubes/base/log.hpp"
#include "tubes/engine/accounts.hpp"

namespace tubes::engine {

std::string advice_for(error_code reason, const std::string& account) {
    if (!reason || reason.category() != tubes_category()) return reason ? reason.message() : "";
    const auto name = base::printable(account);
    switch (static_cast<Errc>(reason.value())) {
        case Errc::authentication_failed:
            return fmt::format("check the password and log in again with: tube login {}", name);
        case Errc::certificate_rejected:
            return "the server does not prove that it speaks for this address; for a private server give --ca or pin "
                   "its "
                   "certificate";
        case Errc::network_unreachable: return "check the network and the server's name";
        case Errc::timed_out: return "the server did not answer in time; check the network, or try again later";
        case Errc::connection_refused: return "nothing listens at the server's address; check the host and port";
        case Errc::already_exists: return "this account or node name is already in use here";
        case Errc::invalid_argument: return fmt::format("{} is no address of a protocol that this build knows", name);
        case Errc::state_corrupt: return "a file of this profile was damaged and kept aside; try again to start anew";
        case Errc::state_too_new: return "a file was written by a newer version; update this program";
        default: return "";
    }
}

}  // namespace tubes::engine
