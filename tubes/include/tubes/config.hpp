// SPDX-License-Identifier: LGPL-2.1-or-later
// What a profile is configured to, and where each value comes from: flag over environment over file over default.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tubes/options.hpp"

namespace tubes {
inline namespace v0 {

/// One setting in force.
struct ConfigValue {
    std::string name;         ///< As in the file: "network.addresses", "account.alice@example.org.server".
    std::string value;        ///< Printed form; secrets are never in here.
    std::string source;       ///< "default", "environment TUBES_HOME", "flag", or the file and line.
    std::string description;  ///< One sentence.
};

/// Every setting of the profile that `options` names, sorted by name. Reads files, opens nothing else.
/// state_too_new, state_corrupt. Link tubes-engine.
result<std::vector<ConfigValue>> read_config(const NodeOptions& options = {});

/// Where this user's running nodes of the profile meet and answer (mode 0700; created if missing): below
/// NodeOptions::home or TUBES_HOME, else XDG_RUNTIME_DIR, else a directory of this user under /tmp. not_available if
/// it is not private. Link tubes-engine.
result<std::filesystem::path> runtime_directory(const NodeOptions& options = {});

}  // namespace v0
}  // namespace tubes
