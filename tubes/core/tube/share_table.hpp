// SPDX-License-Identifier: GPL-3.0-or-later
// The standing shares of a node and who may see them.
// Spec: docs/protocol.md, "Offers and shares".
#pragma once

#include <map>

#include "tubes/core/tube/broker.hpp"

namespace tubes::core {

/// Who asks: an account's contact, and whether the kernel vouches that it is this same user.
struct Asker {
    ports::AccountName account;
    ContactAddress contact;
    bool same_user = false;
    std::optional<ContactAddress> room = std::nullopt;  ///< Where they are an occupant.
    std::optional<ContactAddress> real = std::nullopt;  ///< Who the room says an occupant is; proves nothing.
};

/// Shares by service name.
class ShareTable {
public:
    explicit ShareTable(std::size_t limit) noexcept : limit_(limit) {}

    /// already_exists, invalid_argument, limit_exceeded.
    result<void> add(ShareSpec spec);
    bool remove(const std::string& service) { return shares_.erase(service) > 0; }

    /// The share if there is one of that name and kind that `asker` belongs to the audience of; else null, so that
    /// "no such service" and "not for you" cannot be told apart.
    const ShareSpec* find_for(const Asker& asker, const std::string& service, TubeKind kind) const;
    /// All shares that `asker` belongs to the audience of.
    std::vector<const ShareSpec*> visible_to(const Asker& asker) const;

private:
    std::size_t limit_;
    std::map<std::string, ShareSpec> shares_;
};

}  // namespace tubes::core
