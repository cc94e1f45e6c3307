// SPDX-License-Identifier: GPL-3.0-or-later
// The user's standing decisions, as config.toml holds them.
#pragma once

#include "tubes/core/ports/trust_store.hpp"
#include "tubes/engine/state/config_file.hpp"

namespace tubes::engine {

/// Of all [[policy]] entries that match, the most specific decides: one that names the contact before one that names
/// the service before one that names the account before one that names the direction; among equals the later one.
class PolicyFile final : public core::ports::PolicyStore {
public:
    /// `file` outlives this. `default_addresses` holds where nothing matches and the contact is no stranger.
    PolicyFile(const ConfigFile& file, AddressPolicy default_addresses)
        : file_(file), default_addresses_(default_addresses) {}

    Policy policy(const core::ports::AccountName& account, const core::ContactAddress& contact,
                  const std::string& service, Direction direction) const override;
    /// The stricter of `fallback` and the configured default where no entry matches.
    AddressPolicy addresses(const core::ports::AccountName& account, const core::ContactAddress& contact,
                            AddressPolicy fallback) const override;

private:
    const ConfigFile& file_;
    AddressPolicy default_addresses_;
};

}  // namespace tubes::engine
