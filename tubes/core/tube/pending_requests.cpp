// SPDX-License-Identifier: GPL-3.0-or-later
// The table of what waits for the user.
#include "tubes/core/tube/pending_requests.hpp"

#include <algorithm>

namespace tubes::core {

result<WaitingRequest*> PendingRequests::add(WaitingRequest waiting) {
    if (waiting_.contains(waiting.request.id)) return make_error_code(Errc::already_exists);
    if (waiting_.size() >= total_) return make_error_code(Errc::limit_exceeded);
    // All strangers together have the room of one contact: their number costs them nothing.
    const auto same_sender = [&waiting](const auto& entry) {
        const auto& other = entry.second;
        if (waiting.stranger) return other.stranger;
        return other.request.account == waiting.request.account &&
               other.request.from.contact == waiting.request.from.contact;
    };
    const auto count = std::count_if(waiting_.begin(), waiting_.end(), same_sender);
    if (static_cast<std::size_t>(count) >= per_contact_) return make_error_code(Errc::limit_exceeded);
    const auto id = waiting.request.id;
    return &waiting_.emplace(id, std::move(waiting)).first->second;
}

WaitingRequest* PendingRequests::find(const OfferId& id) {
    const auto found = waiting_.find(id);
    return found == waiting_.end() ? nullptr : &found->second;
}

WaitingRequest* PendingRequests::find_tube(const TubeId& tube) {
    for (auto& [id, waiting] : waiting_) {
        if (!waiting.request.is_offer && waiting.tube.tube == tube) return &waiting;
    }
    return nullptr;
}

std::optional<WaitingRequest> PendingRequests::take(const OfferId& id) {
    auto node = waiting_.extract(id);
    if (node.empty()) return std::nullopt;
    node.mapped().timer.reset();
    return std::move(node.mapped());
}

std::vector<OfferId> PendingRequests::of_link(const LinkId& link) const {
    std::vector<OfferId> ids;
    for (const auto& [id, waiting] : waiting_) {
        if (!waiting.request.is_offer && waiting.link == link) ids.push_back(id);
    }
    return ids;
}

std::vector<OfferId> PendingRequests::of_contact(const ports::AccountName& account,
                                                 const ContactAddress& contact) const {
    std::vector<OfferId> ids;
    for (const auto& [id, waiting] : waiting_) {
        if (waiting.request.account == account && waiting.request.from.contact == contact) ids.push_back(id);
    }
    return ids;
}

std::vector<OfferId> PendingRequests::of_account(const ports::AccountName& account) const {
    std::vector<OfferId> ids;
    for (const auto& [id, waiting] : waiting_) {
        if (waiting.request.account == account) ids.push_back(id);
    }
    return ids;
}

std::vector<PendingRequest> PendingRequests::list() const {
    std::vector<PendingRequest> requests;
    for (const auto& [id, waiting] : waiting_) requests.push_back(waiting.request);
    return requests;
}

std::vector<OfferId> PendingRequests::ids() const {
    std::vector<OfferId> all;
    for (const auto& [id, waiting] : waiting_) all.push_back(id);
    return all;
}

}  // namespace tubes::core
