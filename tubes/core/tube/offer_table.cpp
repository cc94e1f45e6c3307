// SPDX-License-Identifier: GPL-3.0-or-later
// Standing and ended offers.
#include "tubes/core/tube/offer_table.hpp"

#include <algorithm>

namespace tubes::core {
namespace {

constexpr std::chrono::seconds kShortestLifetime{1};
constexpr std::chrono::seconds kLongestLifetime{7 * 24 * 3600};

}  // namespace

result<void> OfferTable::add(const OfferId& id, OfferSpec spec, TimePoint now) {
    if (!is_valid_service_name(spec.service) || spec.contact.value.empty()) {
        return make_error_code(Errc::invalid_argument);
    }
    if (spec.lifetime < kShortestLifetime || spec.lifetime > kLongestLifetime) {
        return make_error_code(Errc::invalid_argument);
    }
    if (auto checked = check_parameters(spec.parameters); !checked) return checked.error();
    if (offers_.size() >= limit_) return make_error_code(Errc::limit_exceeded);
    StandingOffer offer;
    offer.expires = now + spec.lifetime;
    offer.spec = std::move(spec);
    offers_.emplace(id, std::move(offer));
    return {};
}

StandingOffer* OfferTable::find(const OfferId& id) {
    const auto found = offers_.find(id);
    return found == offers_.end() ? nullptr : &found->second;
}

std::vector<PeerAddress> OfferTable::new_recipients(StandingOffer& offer, const std::vector<PeerAddress>& present) {
    const auto is_present = [&present](const PeerAddress& peer) {
        return std::find(present.begin(), present.end(), peer) != present.end();
    };
    std::erase_if(offer.recipients, [&is_present](const auto& entry) { return !is_present(entry.first); });
    std::vector<PeerAddress> fresh;
    for (const auto& peer : present) {
        if (offer.recipients.size() >= kMaxRecipients) break;
        if (offer.recipients.emplace(peer, false).second) fresh.push_back(peer);
    }
    return fresh;
}

bool OfferTable::declined_by(StandingOffer& offer, const PeerAddress& peer) {
    auto found = offer.recipients.find(peer);
    // An offer to a contact whose presence we do not see went to the bare address; any device answers for it.
    if (found == offer.recipients.end()) found = offer.recipients.find(PeerAddress{peer.contact, peer.contact.value});
    if (found == offer.recipients.end()) return false;
    found->second = true;
    return std::all_of(offer.recipients.begin(), offer.recipients.end(),
                       [](const auto& entry) { return entry.second; });
}

std::optional<StandingOffer> OfferTable::end(const OfferId& id, Errc reason) {
    auto node = offers_.extract(id);
    if (node.empty()) return std::nullopt;
    ended_.push_back({id, node.mapped().spec.contact, reason});
    if (ended_.size() > kRemembered) ended_.pop_front();
    node.mapped().timer.reset();
    return std::move(node.mapped());
}

std::optional<Errc> OfferTable::ended(const OfferId& id, const ContactAddress& contact) const {
    const auto found = std::find_if(ended_.begin(), ended_.end(),
                                    [&](const Ended& entry) { return entry.id == id && entry.contact == contact; });
    if (found == ended_.end()) return std::nullopt;
    return found->reason;
}

}  // namespace tubes::core
