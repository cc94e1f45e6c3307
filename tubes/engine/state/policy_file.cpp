// SPDX-License-Identifier: GPL-3.0-or-later
// Which policy entry decides.
#include "tubes/engine/state/policy_file.hpp"

#include <algorithm>

namespace tubes::engine {
namespace {

bool matches(const std::string& pattern, const std::string& value) {
    return pattern.empty() || pattern == "*" || pattern == value;
}

bool names(const std::string& pattern) {
    return !pattern.empty() && pattern != "*";
}

int weight(const PolicyEntry& entry) {
    return (names(entry.contact) ? 8 : 0) + (names(entry.service) ? 4 : 0) + (names(entry.account) ? 2 : 0) +
           (entry.direction ? 1 : 0);
}

}  // namespace

Policy PolicyFile::policy(const core::ports::AccountName& account, const core::ContactAddress& contact,
                          const std::string& service, Direction direction) const {
    int best = -1;
    auto decision = Policy::ask;
    for (const auto& entry : file_.content().policies) {
        const bool applies = entry.policy && matches(entry.account, account) && matches(entry.contact, contact.value) &&
                             matches(entry.service, service) && (!entry.direction || entry.direction == direction);
        if (!applies || weight(entry) < best) continue;
        best = weight(entry);
        decision = *entry.policy;
    }
    return decision;
}

AddressPolicy PolicyFile::addresses(const core::ports::AccountName& account, const core::ContactAddress& contact,
                                    AddressPolicy fallback) const {
    int best = -1;
    auto decision = std::max(fallback, default_addresses_);
    for (const auto& entry : file_.content().policies) {
        // A service's entry says nothing about a link, which carries many services.
        const bool applies = entry.addresses && !names(entry.service) && matches(entry.account, account) &&
                             matches(entry.contact, contact.value);
        if (!applies || weight(entry) < best) continue;
        best = weight(entry);
        decision = *entry.addresses;
    }
    return decision;
}

}  // namespace tubes::engine
