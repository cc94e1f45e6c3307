// SPDX-License-Identifier: GPL-3.0-or-later
// Requests and offers that wait for the user, bounded per contact, for strangers and altogether.
// Spec: docs/protocol.md, "Consent".
#pragma once

#include <map>

#include "tubes/core/tube/broker.hpp"

namespace tubes::core {

/// One that waits, and what to do about it.
struct WaitingRequest {
    PendingRequest request;
    bool stranger = false;
    bool same_user = false;
    TubeRequest tube;         ///< What was asked for; unused for offers.
    LinkId link;              ///< The link it came by; unused for offers.
    bool by_control = false;  ///< It came as TubeOpen over an open link.
    std::unique_ptr<ports::Scheduler::Timer> timer;
};

/// See the head of the file. Pure state.
class PendingRequests {
public:
    explicit PendingRequests(const BrokerLimits& limits) noexcept
        : per_contact_(limits.pending_per_contact), total_(limits.pending_total) {}

    /// limit_exceeded; already_exists for an id that waits already.
    result<WaitingRequest*> add(WaitingRequest waiting);
    WaitingRequest* find(const OfferId& id);
    WaitingRequest* find_tube(const TubeId& tube);
    std::optional<WaitingRequest> take(const OfferId& id);
    std::vector<OfferId> of_link(const LinkId& link) const;
    std::vector<OfferId> of_contact(const ports::AccountName& account, const ContactAddress& contact) const;
    std::vector<OfferId> of_account(const ports::AccountName& account) const;
    std::vector<PendingRequest> list() const;
    std::vector<OfferId> ids() const;

private:
    std::size_t per_contact_;
    std::size_t total_;
    std::map<OfferId, WaitingRequest> waiting_;
};

}  // namespace tubes::core
