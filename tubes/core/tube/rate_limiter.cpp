// SPDX-License-Identifier: GPL-3.0-or-later
// Token buckets for incoming signals.
#include "tubes/core/tube/rate_limiter.hpp"

#include <algorithm>

namespace tubes::core {

void TokenBucket::refill(TimePoint now) noexcept {
    const auto minutes = std::chrono::duration<double, std::ratio<60>>(now - filled_at_).count();
    tokens_ = std::min(per_minute_, tokens_ + minutes * per_minute_);
    filled_at_ = now;
}

bool TokenBucket::take(TimePoint now) noexcept {
    refill(now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

bool TokenBucket::is_full(TimePoint now) noexcept {
    refill(now);
    return tokens_ >= per_minute_;
}

bool SignalLimiter::allow(const ports::AccountName& account, const ContactAddress& contact, TimePoint now) {
    const auto key = std::make_pair(account, contact);
    auto found = buckets_.find(key);
    if (found == buckets_.end()) {
        if (buckets_.size() >= kMaxBuckets) forget_idle(now);
        if (buckets_.size() >= kMaxBuckets) return false;
        found = buckets_.emplace(key, TokenBucket(per_contact_, now)).first;
    }
    return found->second.take(now);
}

void SignalLimiter::forget_idle(TimePoint now) {
    for (auto entry = buckets_.begin(); entry != buckets_.end();) {
        entry = entry->second.is_full(now) ? buckets_.erase(entry) : std::next(entry);
    }
}

}  // namespace tubes::core
