// SPDX-License-Identifier: GPL-3.0-or-later
// Everything of a profile that is on disk, opened.
#pragma once

#include <memory>
#include <string>

#include "tubes/engine/state/config_file.hpp"
#include "tubes/engine/state/directories.hpp"
#include "tubes/engine/state/identity_file.hpp"
#include "tubes/engine/state/policy_file.hpp"
#include "tubes/engine/state/secrets.hpp"
#include "tubes/engine/state/settings.hpp"
#include "tubes/engine/state/trust_file.hpp"

namespace tubes::engine {

struct Profile {
    /// Creates what is missing. Errors as open_node().
    static result<std::unique_ptr<Profile>> open(const NodeOptions& options);

    Directories directories;
    std::string resource;  ///< This node's name among the profile's nodes.
    std::unique_ptr<ConfigFile> config;
    std::unique_ptr<Settings> settings;
    std::unique_ptr<TrustFile> trust;
    std::unique_ptr<PolicyFile> policies;
    std::unique_ptr<SecretStore> secrets;
    std::unique_ptr<AccountMemory> memory;
    std::unique_ptr<FileLock> name_lock;  ///< Holds the resource name as long as the node lives.
};

}  // namespace tubes::engine
