// SPDX-License-Identifier: GPL-3.0-or-later
// What is remembered of contacts' keys and of the user's decisions. Kept on disk by the engine; calls are cheap.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tubes/core/ids.hpp"

namespace tubes::core::ports {

/// An account as the stores name it: the connection's own contact address.
using AccountName = std::string;

/// A contact's identity key that this account has seen.
struct Pin {
    PublicKey key;
    bool accepted = false;        ///< The user (or trust on first use) took it; "always" covers it.
    bool verified = false;        ///< Compared by `verify`; implies accepted.
    std::int64_t first_seen = 0;  ///< Seconds since the epoch (UTC), for people. In put(), 0: the store sets it.
};

/// Pinned keys by account and contact.
class TrustStore {
public:
    virtual ~TrustStore() = default;
    virtual std::vector<Pin> pins(const AccountName& account, const ContactAddress& contact) const = 0;
    /// Adds or replaces the pin with this key; at most 64 keys a contact: limit_exceeded. Written durably before the
    /// call returns; an error leaves the store unchanged.
    virtual result<void> put(const AccountName& account, const ContactAddress& contact, const Pin& pin) = 0;
    virtual result<void> remove(const AccountName& account, const ContactAddress& contact, const PublicKey& key) = 0;
};

/// Standing decisions of the user about contacts and services.
class PolicyStore {
public:
    enum class Direction : std::uint8_t {
        incoming,  ///< They want to use what I share.
        offered,   ///< They offer me something.
    };
    virtual ~PolicyStore() = default;
    /// The most specific decision for (contact, service), Policy::ask where the user decided nothing.
    virtual Policy policy(const AccountName& account, const ContactAddress& contact, const std::string& service,
                          Direction direction) const = 0;
    /// Which addresses links with this contact may use: what the user decided, or `fallback` (relay only for
    /// strangers) where the user decided nothing.
    virtual AddressPolicy addresses(const AccountName& account, const ContactAddress& contact,
                                    AddressPolicy fallback) const = 0;
};

}  // namespace tubes::core::ports
