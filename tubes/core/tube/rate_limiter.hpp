// SPDX-License-Identifier: GPL-3.0-or-later
// How many signals a contact, and all strangers together, may send.
// Spec: docs/protocol.md, "Limits".
#pragma once

#include <map>

#include "tubes/core/ids.hpp"
#include "tubes/core/ports/trust_store.hpp"

namespace tubes::core {

/// A budget that refills evenly over a minute and holds at most a minute's worth.
class TokenBucket {
public:
    TokenBucket(std::uint32_t per_minute, TimePoint now) noexcept
        : per_minute_(per_minute), tokens_(per_minute), filled_at_(now) {}

    /// Takes one token; false if there is none.
    bool take(TimePoint now) noexcept;
    bool is_full(TimePoint now) noexcept;

private:
    void refill(TimePoint now) noexcept;

    double per_minute_;
    double tokens_;
    TimePoint filled_at_;
};

/// Buckets by account and contact, and one for all strangers. Idle buckets are forgotten; memory is bounded.
class SignalLimiter {
public:
    SignalLimiter(std::uint32_t per_contact, std::uint32_t strangers, TimePoint now) noexcept
        : per_contact_(per_contact), strangers_(strangers, now) {}

    bool allow_stranger(TimePoint now) noexcept { return strangers_.take(now); }
    bool allow(const ports::AccountName& account, const ContactAddress& contact, TimePoint now);
    std::size_t size() const noexcept { return buckets_.size(); }

    static constexpr std::size_t kMaxBuckets = 4096;  ///< Contacts limited one by one; more share what is left.

private:
    void forget_idle(TimePoint now);

    std::uint32_t per_contact_;
    TokenBucket strangers_;
    std::map<std::pair<ports::AccountName, ContactAddress>, TokenBucket> buckets_;
};

}  // namespace tubes::core
