// SPDX-License-Identifier: GPL-3.0-or-later
// Passwords, and what an account remembers between runs.
#pragma once

#include <memory>
#include <string>

#include "tubes/engine/state/state_file.hpp"

namespace tubes::engine {

/// Where passwords are kept. A desktop's secret service can stand behind the same interface.
class SecretStore {
public:
    virtual ~SecretStore() = default;
    /// The account's password. not_found.
    virtual result<std::string> find(const std::string& account) const = 0;
    virtual result<void> put(const std::string& account, const std::string& password) = 0;
    /// No error if there was none.
    virtual result<void> remove(const std::string& account) = 0;
};

/// secrets.json, mode 0600, in the state directory. Errors as StateFile::open.
result<std::unique_ptr<SecretStore>> open_secret_file(const std::filesystem::path& directory);

/// What was learned about an account's server and must not be forgotten, such as the strongest mechanism it showed:
/// accounts.json. Names and values are short text.
class AccountMemory {
public:
    static result<AccountMemory> open(const std::filesystem::path& directory);
    /// Empty if nothing was remembered.
    std::string get(const std::string& account, const std::string& name) const;
    result<void> put(const std::string& account, const std::string& name, const std::string& value);

private:
    explicit AccountMemory(StateFile file) : file_(std::move(file)) {}
    StateFile file_;
};

}  // namespace tubes::engine
