// SPDX-License-Identifier: GPL-3.0-or-later
// The identity key of one account on this machine, in a file of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tubes/core/ports/crypto.hpp"
#include "tubes/error.hpp"

namespace tubes::engine {

/// Reads state/identities/<account>.pem (mode 0600), or makes it on first use; processes that start at the same time
/// end up with the same key. state_corrupt (kept aside: the next call makes a new key, which contacts must accept
/// anew), or a system error.
result<std::unique_ptr<core::ports::Identity>> load_identity(const std::filesystem::path& state,
                                                             const std::string& account);

}  // namespace tubes::engine
