// SPDX-License-Identifier: GPL-3.0-or-later
// Shares and their audiences.
#include "tubes/core/tube/share_table.hpp"

#include <algorithm>

namespace tubes::core {
namespace {

bool is_in_audience(const ShareSpec& share, const Asker& asker) {
    if (!share.account.empty() && share.account != asker.account) return false;
    if (share.audience.empty()) return asker.same_user;
    const auto names = [&share](const ContactAddress& who) {
        return std::find(share.audience.begin(), share.audience.end(), who) != share.audience.end();
    };
    return names(asker.room ? *asker.room : asker.contact);
}

}  // namespace

result<void> ShareTable::add(ShareSpec spec) {
    if (!is_valid_service_name(spec.service) || spec.tubes == 0) return make_error_code(Errc::invalid_argument);
    if (auto checked = check_parameters(spec.parameters); !checked) return checked.error();
    if (shares_.contains(spec.service)) return make_error_code(Errc::already_exists);
    if (shares_.size() >= limit_) return make_error_code(Errc::limit_exceeded);
    auto service = spec.service;
    shares_.emplace(std::move(service), std::move(spec));
    return {};
}

const ShareSpec* ShareTable::find_for(const Asker& asker, const std::string& service, TubeKind kind) const {
    const auto found = shares_.find(service);
    if (found == shares_.end() || found->second.kind != kind) return nullptr;
    return is_in_audience(found->second, asker) ? &found->second : nullptr;
}

std::vector<const ShareSpec*> ShareTable::visible_to(const Asker& asker) const {
    std::vector<const ShareSpec*> visible;
    for (const auto& [service, share] : shares_) {
        if (is_in_audience(share, asker)) visible.push_back(&share);
    }
    return visible;
}

}  // namespace tubes::core
