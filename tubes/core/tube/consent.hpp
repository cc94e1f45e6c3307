// SPDX-License-Identifier: GPL-3.0-or-later
// May this request have a tube? Every tube passes here, whether it begins a link or comes over an open one.
// Spec: docs/protocol.md, "Consent".
#pragma once

#include "tubes/core/trust/key_book.hpp"
#include "tubes/core/tube/offer_table.hpp"
#include "tubes/core/tube/share_table.hpp"

namespace tubes::core {

enum class Verdict : std::uint8_t {
    grant,  ///< A policy the user set, or an offer the user made, covers it.
    ask,    ///< The user decides.
    deny,   ///< With Decision::reason.
};

struct Decision {
    Verdict verdict = Verdict::deny;
    Errc reason = Errc::not_available;
    KeyStanding standing = KeyStanding::first;
    Parameters parameters;  ///< Of the share or offer, told on acceptance.
};

/// See the head of the file. Reads the tables; changes nothing.
class Consent {
public:
    Consent(const ShareTable& shares, OfferTable& offers, const KeyBook& keys,
            const ports::PolicyStore& policies) noexcept
        : shares_(shares), offers_(offers), keys_(keys), policies_(policies) {}

    /// On a request to use what we share or have offered. `open`: tubes of that service that are open or granted.
    Decision on_request(const Asker& asker, const PublicKey& key, const TubeRequest& request, std::size_t open) const;
    /// On a request of a foreign peer, for a share that is open to such peers.
    Decision on_web_request(const Asker& asker, const std::string& service, std::size_t open) const;
    /// On an offer that came in.
    Decision on_offer(const Asker& asker, const OfferSignal& offer) const;
    /// The contact's services that a query may name.
    std::vector<ServiceInfo> services_for(const Asker& asker) const;
    /// Same user on this machine: the kernel vouches, no key is needed.
    KeyStanding standing(const Asker& asker, const PublicKey& key) const;
    /// What the user decided for the asker: for an occupant also as the person the room says, and for the room.
    Policy policy(const Asker& asker, const std::string& service, ports::PolicyStore::Direction direction) const;

private:
    Decision on_accepted_offer(const Asker& asker, const PublicKey& key, const TubeRequest& request) const;

    const ShareTable& shares_;
    OfferTable& offers_;
    const KeyBook& keys_;
    const ports::PolicyStore& policies_;
};

}  // namespace tubes::core
