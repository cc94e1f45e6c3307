// SPDX-License-Identifier: GPL-3.0-or-later
// Exit codes of `tube`: stable, documented in tube(1), one for each kind of failure a script reacts to.
#pragma once

#include <string>

#include "tubes/error.hpp"

namespace tubes::cli {

enum ExitCode : int {
    kSuccess = 0,
    kFailure = 1,         ///< Anything without a code of its own.
    kUsage = 2,           ///< The command line is wrong.
    kNotFound = 3,        ///< No such contact, offer, account or key; service not offered to this user.
    kOffline = 4,         ///< The contact, or this account, is not online.
    kRefused = 5,         ///< Somebody said no.
    kTimedOut = 6,        ///< A deadline passed.
    kNoPath = 7,          ///< Both are online, but no transport reached the other.
    kAuthentication = 8,  ///< Password, certificate or identity key was not accepted.
    kKeyChanged = 9,      ///< The contact presents a key that is not pinned.
    kLocal = 10,          ///< Something on this machine: port in use, address not allowed, file damaged.
    kBroken = 11,         ///< The link or the connection was lost and did not come back.
    kInterrupted = 130,   ///< Ctrl-C or a termination signal.
};

/// The exit code that belongs to an error.
int exit_code_of(const error_code& error) noexcept;

/// What the user can do about an error: a full sentence, or empty.
std::string advice_for(const error_code& error);

}  // namespace tubes::cli
