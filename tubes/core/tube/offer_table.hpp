// SPDX-License-Identifier: GPL-3.0-or-later
// The offers this node has made: who has heard of each, who took it, and how ended ones ended.
// Spec: docs/protocol.md, "Offers and shares".
#pragma once

#include <deque>
#include <map>
#include <set>

#include "tubes/core/tube/broker.hpp"

namespace tubes::core {

/// An offer that stands. Recipients are peers that it was sent to (or the bare contact).
struct StandingOffer {
    OfferSpec spec;
    TimePoint expires;
    std::map<PeerAddress, bool> recipients;  ///< To whether that peer declined.
    std::unique_ptr<ports::Scheduler::Timer> timer;
};

/// See the head of the file. Pure state: the broker sends.
class OfferTable {
public:
    explicit OfferTable(std::size_t limit) noexcept : limit_(limit) {}

    /// limit_exceeded; invalid_argument for a bad name, parameters or lifetime.
    result<void> add(const OfferId& id, OfferSpec spec, TimePoint now);
    StandingOffer* find(const OfferId& id);
    std::map<OfferId, StandingOffer>& all() noexcept { return offers_; }

    /// Peers in `present` that have not heard of the offer; forgets those that are gone, so that they hear again.
    std::vector<PeerAddress> new_recipients(StandingOffer& offer, const std::vector<PeerAddress>& present);
    /// Notes a decline; true when everyone who heard of the offer has declined.
    bool declined_by(StandingOffer& offer, const PeerAddress& peer);

    /// Removes it and remembers how it ended, for devices that answer late.
    std::optional<StandingOffer> end(const OfferId& id, Errc reason);
    /// How an offer to `contact` ended, if it is still remembered.
    std::optional<Errc> ended(const OfferId& id, const ContactAddress& contact) const;

    static constexpr std::size_t kRemembered = 256;    ///< Ended offers.
    static constexpr std::size_t kMaxRecipients = 64;  ///< Devices of one contact that hear of an offer.

private:
    struct Ended {
        OfferId id;
        ContactAddress contact;
        Errc reason = Errc::expired;
    };
    std::size_t limit_;
    std::map<OfferId, StandingOffer> offers_;
    std::deque<Ended> ended_;
};

}  // namespace tubes::core
