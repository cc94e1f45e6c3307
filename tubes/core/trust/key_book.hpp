// SPDX-License-Identifier: GPL-3.0-or-later
// How contacts' identity keys stand with us: trust on first use, and every later key is an event.
// Spec: docs/protocol.md, "Verification".
#pragma once

#include <optional>

#include "tubes/core/ports/trust_store.hpp"
#include "tubes/core/tube/broker.hpp"

namespace tubes::core {

/// Reads and writes the pins of all accounts through the trust store. Lives on the broker's loop.
class KeyBook {
public:
    explicit KeyBook(ports::TrustStore& store) noexcept : store_(store) {}

    /// Where `key` stands. A contact without any accepted key is met for the first time.
    KeyStanding standing(const ports::AccountName& account, const ContactAddress& contact, const PublicKey& key) const;

    /// Pins `key` as accepted; keeps a verified mark. The store's error where it cannot be written.
    result<void> accept(const ports::AccountName& account, const ContactAddress& contact, const PublicKey& key);

    /// Remembers that a key that is not accepted was shown, so that the user can look at it. True the first time;
    /// false for a key that is remembered already. A contact can fill only kMaxUnaccepted places.
    bool note_new(const ports::AccountName& account, const ContactAddress& contact, const PublicKey& key);

    static constexpr std::size_t kMaxUnaccepted = 8;  ///< Keys remembered per contact that nobody accepted.

private:
    std::optional<ports::Pin> find(const ports::AccountName& account, const ContactAddress& contact,
                                   const PublicKey& key) const;

    ports::TrustStore& store_;
};

}  // namespace tubes::core
