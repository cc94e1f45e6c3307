// SPDX-License-Identifier: GPL-3.0-or-later
// What config.toml says, as plain data.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tubes/core/ports/trust_store.hpp"
#include "tubes/options.hpp"

namespace tubes::engine {

/// [[account]]: as LoginOptions, without the password.
struct AccountEntry {
    std::string address;
    std::string host;
    bool direct_tls = false;
    std::string ca_file;
    std::string pinned_certificate;
    bool allow_plain = false;
    bool enabled = true;
    std::size_t line = 0;  ///< Of the header in the file.
};

/// [[policy]]: a decision; empty fields match everything.
struct PolicyEntry {
    std::string account;
    std::string contact;
    std::string service;
    std::optional<core::ports::PolicyStore::Direction> direction;
    std::optional<Policy> policy;
    std::optional<AddressPolicy> addresses;
    std::size_t line = 0;
};

/// A single value, such as network.stun; a list is joined by commas.
struct ConfigScalar {
    std::string value;
    std::size_t line = 0;
};

struct ConfigContent {
    std::map<std::string, ConfigScalar> values;
    std::vector<AccountEntry> accounts;
    std::vector<PolicyEntry> policies;
    std::vector<ShareOptions> services;
};

/// Where and why a text is no configuration: "line 12: policy must be ask, always or never".
struct ConfigProblem {
    Errc code = Errc::state_corrupt;
    std::string text;
};

/// Reads config.toml's text. `problem` says what is wrong: state_corrupt, or state_too_new for a newer version.
std::optional<ConfigContent> parse_config(const std::string& text, ConfigProblem& problem);

std::optional<Policy> parse_policy(std::string_view text);
std::string_view to_string(Policy policy) noexcept;
std::string_view to_string(AddressPolicy policy) noexcept;
std::optional<AddressPolicy> parse_address_policy(std::string_view text);

}  // namespace tubes::engine
