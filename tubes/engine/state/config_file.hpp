// SPDX-License-Identifier: GPL-3.0-or-later
// config.toml: read again when it changes, and edited so that the user's text stays the user's.
#pragma once

#include <filesystem>
#include <memory>

#include "tubes/engine/state/config_content.hpp"
#include "tubes/engine/state/files.hpp"

namespace tubes::engine {

class TomlLines;

/// The profile's configuration. A file that the user may edit at any time is never moved away: one that cannot be
/// read is an error whose place the log names, and while a node runs the last good content holds. Blocking file
/// access; one thread.
class ConfigFile {
public:
    /// A missing file is an empty configuration. state_corrupt, state_too_new, or a system error.
    static result<std::unique_ptr<ConfigFile>> open(std::filesystem::path path);

    const ConfigContent& content() const;
    const std::filesystem::path& path() const { return path_; }

    /// Adds or replaces the decision for exactly this account, contact, service and direction.
    result<void> set_policy(const PolicyEntry& entry);
    /// Adds or replaces the account of this address.
    result<void> put_account(const AccountEntry& entry);
    /// not_found.
    result<void> remove_account(const std::string& address);

private:
    explicit ConfigFile(std::filesystem::path path) : path_(std::move(path)) {}
    using Edit = std::function<result<void>(const ConfigContent& before, TomlLines& lines)>;
    using Check = std::function<bool(const ConfigContent& after)>;
    /// Reads, edits, checks and writes under the lock. unsupported if the edit did not have the wanted effect.
    result<void> change(const Edit& edit, const Check& check);

    std::filesystem::path path_;
    mutable FileStamp stamp_;
    mutable ConfigContent content_;
};

}  // namespace tubes::engine
