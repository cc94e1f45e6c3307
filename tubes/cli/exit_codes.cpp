// SPDX-License-Identifier: GPL-3.0-or-later
// Errors to exit codes and advice.
#include "tubes/cli/exit_codes.hpp"

namespace tubes::cli {

int exit_code_of(const error_code& error) noexcept {
    if (!error) return kSuccess;
    if (error.category() != tubes_category()) return kFailure;
    switch (static_cast<Errc>(error.value())) {
        case Errc::not_found:
        case Errc::not_available: return kNotFound;
        case Errc::offline:
        case Errc::not_connected:
        case Errc::network_unreachable: return kOffline;
        case Errc::refused:
        case Errc::taken:
        case Errc::withdrawn:
        case Errc::expired: return kRefused;
        case Errc::timed_out: return kTimedOut;
        case Errc::no_path: return kNoPath;
        case Errc::authentication_failed:
        case Errc::certificate_rejected:
        case Errc::identity_mismatch: return kAuthentication;
        case Errc::key_changed: return kKeyChanged;
        case Errc::invalid_argument: return kUsage;
        case Errc::already_exists:
        case Errc::address_in_use:
        case Errc::address_not_allowed:
        case Errc::state_too_new:
        case Errc::state_corrupt:
        case Errc::connection_refused: return kLocal;
        case Errc::broken:
        case Errc::connection_reset: return kBroken;
        case Errc::cancelled: return kInterrupted;
        default: return kFailure;
    }
}

std::string advice_for(const error_code& error) {
    if (error.category() != tubes_category()) return {};
    switch (static_cast<Errc>(error.value())) {
        case Errc::not_available:
            return "It may not be shared with you, or not just now; ask the other person for `tube share`.";
        case Errc::offline:
            return "Ask the other person to run `tube share` or `tube serve`; `tube contacts` shows who is there.";
        case Errc::not_connected: return "`tube doctor` shows what stands between this machine and the server.";
        case Errc::network_unreachable:
            return "Check the network connection and the server's name; `tube doctor` shows more.";
        case Errc::no_path:
            return "Neither side could reach the other and no relay is known; `tube doctor` on both sides shows why.";
        case Errc::authentication_failed: return "Check address and password: `tube login ADDRESS` asks again.";
        case Errc::certificate_rejected:
            return "If the server is your own, name its authority with `tube login --ca FILE` or its certificate with "
                   "--pin.";
        case Errc::key_changed:
        case Errc::identity_mismatch:
            return "Compare the new key with your contact by `tube verify CONTACT`, then accept or drop it there.";
        case Errc::address_in_use: return "Choose another port, or 0 for any free one.";
        case Errc::address_not_allowed:
            return "Add --allow-remote if other machines should really be able to connect here.";
        case Errc::connection_refused: return "Start the program behind the share, or check the port.";
        case Errc::state_too_new: return "Use the newer version, or another --profile.";
        case Errc::state_corrupt:
            return "The damaged file was kept aside with .corrupt in its name; run the command again.";
        case Errc::already_exists: return "Choose another name with --as, or stop the other one.";
        default: return {};
    }
}

}  // namespace tubes::cli
