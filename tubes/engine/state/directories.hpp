// SPDX-License-Identifier: GPL-3.0-or-later
// Where a profile's files live. Spec: XDG Base Directory Specification 0.8.
#pragma once

#include <filesystem>
#include <string>

#include "tubes/error.hpp"
#include "tubes/options.hpp"

namespace tubes::engine {

/// What decided a value.
enum class Source : std::uint8_t { flag, environment, file, default_value };
std::string_view to_string(Source source) noexcept;

struct Directories {
    std::filesystem::path config;   ///< Holds config.toml.
    std::filesystem::path state;    ///< Keys, pins, secrets.
    std::filesystem::path runtime;  ///< Sockets; gone after a reboot.
    std::string profile;
    Source home_source = Source::default_value;
    Source profile_source = Source::default_value;

    std::filesystem::path config_file() const { return config / "config.toml"; }
    std::filesystem::path nodes() const { return runtime / "nodes"; }
    /// Sockets of D-Bus tubes; made when the first one is.
    std::filesystem::path buses() const { return runtime / "bus"; }
};

/// From the options, else TUBES_HOME and TUBES_PROFILE, else the XDG variables, else their defaults below HOME (or
/// the user database's). Creates nothing. invalid_argument for a profile name outside [A-Za-z0-9._-]{1,64}.
result<Directories> find_directories(const NodeOptions& options);

/// Creates all three, private to this user.
result<void> make_directories(const Directories& directories);

}  // namespace tubes::engine
