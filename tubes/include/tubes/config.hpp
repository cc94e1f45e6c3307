// SPDX-License-Identifier: LGPL-2.1-or-later
// The effective configuration: every value and where it comes from. Part of tubes-engine, which is GPL-3.0.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tubes/error.hpp"
#include "tubes/export.hpp"
#include "tubes/options.hpp"

namespace tubes {
inline namespace v0 {

/// One value. Of a flag (NodeOptions), the environment, the file and the default, the first that says something wins.
struct ConfigValue {
    std::string name;         ///< "network.stun"; the key `stun` in the table [network] of config.toml.
    std::string value;        ///< As text; a list joined by commas; passwords replaced by stars.
    std::string source;       ///< "flag", "environment", "file" or "default".
    std::string origin;       ///< The variable, or the file and line: "/home/me/.config/tubes/config.toml:12".
    std::string environment;  ///< The variable that would set it: "TUBES_NETWORK_STUN"; empty if none does.
    std::string description;  ///< One line for people.
};

/// Every value as a node opened with these options would use it: directories, settings, then accounts
/// ("account.alice@example.org"), policies and services of the file. Creates and changes nothing. Blocks for file
/// access. invalid_argument, state_corrupt, state_too_new; the log says where.
TUBES_API result<std::vector<ConfigValue>> effective_config(const NodeOptions& options = {});

/// The [[service]] entries of the file: what `tube serve` shares. Errors as effective_config().
TUBES_API result<std::vector<ShareOptions>> configured_services(const NodeOptions& options = {});

/// The directory of this profile's sockets, created with mode 0700 if missing. not_available if it is not private.
TUBES_API result<std::filesystem::path> runtime_directory(const NodeOptions& options = {});

}  // namespace v0
}  // namespace tubes
