// SPDX-License-Identifier: GPL-3.0-or-later
// The decision about one request.
#include "tubes/core/tube/consent.hpp"

namespace tubes::core {
namespace {

using Direction = ports::PolicyStore::Direction;

Decision denied(Errc reason = Errc::not_available) {
    Decision decision;
    decision.reason = reason;
    return decision;
}

Decision decided(Verdict verdict, KeyStanding standing, Parameters parameters) {
    return {verdict, Errc::not_available, standing, std::move(parameters)};
}

}  // namespace

KeyStanding Consent::standing(const Asker& asker, const PublicKey& key) const {
    if (asker.same_user) return KeyStanding::known;
    const auto standing = keys_.standing(asker.account, asker.contact, key);
    if (!asker.real || standing == KeyStanding::known) return standing;
    // The room's word for who it is counts for nothing by itself: the key must be one that was accepted for them.
    const auto real = keys_.standing(asker.account, *asker.real, key);
    return real == KeyStanding::first ? standing : real;
}

Policy Consent::policy(const Asker& asker, const std::string& service, Direction direction) const {
    auto chosen = policies_.policy(asker.account, asker.contact, service, direction);
    for (const auto* who : {&asker.real, &asker.room}) {
        if (!*who || chosen == Policy::never) continue;
        const auto further = policies_.policy(asker.account, **who, service, direction);
        if (further == Policy::never || chosen == Policy::ask) chosen = further;
    }
    return chosen;
}

Decision Consent::on_request(const Asker& asker, const PublicKey& key, const TubeRequest& request,
                             std::size_t open) const {
    if (request.offer) return on_accepted_offer(asker, key, request);
    const auto* share = shares_.find_for(asker, request.service, request.kind);
    if (!share || open >= share->tubes) return denied();
    const auto chosen = policy(asker, request.service, Direction::incoming);
    if (chosen == Policy::never || share->policy == Policy::never) return denied();
    const auto standing = this->standing(asker, key);
    // A share without an audience is this user's own, on this machine: there is nobody else to ask.
    const bool own = share->audience.empty() && asker.same_user;
    const bool always = own || chosen == Policy::always || share->policy == Policy::always;
    // "Always" covers only keys that the user knew when setting it or has verified since, and a contact's very first
    // key where the user chose trust on first use.
    const bool trusted = standing == KeyStanding::known || (standing == KeyStanding::first && share->trust_first_key);
    return decided(always && trusted ? Verdict::grant : Verdict::ask, standing, share->parameters);
}

// There is no key to know: each time is like a contact's first device ever.
Decision Consent::on_web_request(const Asker& asker, const std::string& service, std::size_t open) const {
    const auto* share = shares_.find_for(asker, service, TubeKind::stream);
    if (!share || !share->web || open >= share->tubes) return denied();
    const auto chosen = policy(asker, service, Direction::incoming);
    if (chosen == Policy::never || share->policy == Policy::never) return denied();
    const bool always = chosen == Policy::always || share->policy == Policy::always;
    return decided(always && share->trust_first_key ? Verdict::grant : Verdict::ask, KeyStanding::first,
                   share->parameters);
}

Decision Consent::on_accepted_offer(const Asker& asker, const PublicKey& key, const TubeRequest& request) const {
    auto* offer = offers_.find(*request.offer);
    if (!offer) return denied(offers_.ended(*request.offer, asker.contact).value_or(Errc::not_available));
    const auto& spec = offer->spec;
    const bool fits = spec.account == asker.account && spec.contact == asker.contact &&
                      spec.service == request.service && spec.kind == request.kind;
    if (!fits) return denied();
    const auto standing = this->standing(asker, key);
    // The user offered it to this person; a first key is taken on trust, a changed one is asked about.
    return decided(standing == KeyStanding::new_key ? Verdict::ask : Verdict::grant, standing, spec.parameters);
}

Decision Consent::on_offer(const Asker& asker, const OfferSignal& offer) const {
    const auto chosen = policy(asker, offer.service, Direction::offered);
    if (chosen == Policy::never) return denied();
    const auto standing = this->standing(asker, offer.identity);
    const bool granted = chosen == Policy::always && standing == KeyStanding::known;
    return decided(granted ? Verdict::grant : Verdict::ask, standing, offer.parameters);
}

std::vector<ServiceInfo> Consent::services_for(const Asker& asker) const {
    std::vector<ServiceInfo> services;
    for (const auto* share : shares_.visible_to(asker)) {
        const auto chosen = policy(asker, share->service, Direction::incoming);
        if (chosen == Policy::never || share->policy == Policy::never) continue;
        services.push_back({share->service, share->kind, share->parameters});
    }
    return services;
}

}  // namespace tubes::core
