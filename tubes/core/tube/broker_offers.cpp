// SPDX-License-Identifier: GPL-3.0-or-later
// The broker's offers, made and received.
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {
namespace {

constexpr std::chrono::seconds kLongestLifetime{7 * 24 * 3600};
constexpr std::chrono::milliseconds kAcceptDeadline{60000};  // From the user's yes to an open tube.
constexpr std::size_t kRememberedAnswers = 256;

Errc reason_of(OfferEnd end) {
    switch (end) {
        case OfferEnd::taken: return Errc::taken;
        case OfferEnd::withdrawn: return Errc::withdrawn;
        case OfferEnd::expired: return Errc::expired;
        case OfferEnd::declined: return Errc::refused;
    }
    return Errc::withdrawn;
}

bool sees_presence_of(const std::optional<ports::Contact>& contact) {
    if (!contact) return false;
    using ports::Subscription;
    return contact->is_self || !contact->peers.empty() || contact->subscription == Subscription::to ||
           contact->subscription == Subscription::both;
}

}  // namespace

result<OfferId> BrokerImpl::offer(OfferSpec spec) {
    if (!find_account(spec.account)) return make_error_code(Errc::not_found);
    const auto id = random_id<OfferId>();
    const auto lifetime = spec.lifetime;
    if (auto added = offers_.add(id, std::move(spec), now()); !added) return added.error();
    auto& offer = *offers_.find(id);
    offer.timer = after(lifetime, [this, id] { end_offer(id, Errc::expired, OfferEnd::expired, std::nullopt); });
    spread_offer(id, offer);
    return id;
}

result<void> BrokerImpl::withdraw(const OfferId& id) {
    if (!offers_.find(id)) return make_error_code(Errc::not_found);
    end_offer(id, Errc::withdrawn, OfferEnd::withdrawn, std::nullopt);
    return {};
}

void BrokerImpl::spread_offer(const OfferId& id, StandingOffer& offer) {
    auto* account = find_account(offer.spec.account);
    if (!account || account->connection().state() != ports::ConnectionState::online) return;
    const auto& contact = offer.spec.contact;
    auto present = account->tube_peers(contact);
    if (present.empty() && !sees_presence_of(account->find(contact))) present = {PeerAddress{contact, contact.value}};
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(offer.expires - now());
    const OfferSignal signal{
        id, offer.spec.service, offer.spec.kind, offer.spec.parameters, left, account->identity().public_key()};
    for (const auto& peer : offers_.new_recipients(offer, present)) send(*account, peer, signal);
}

void BrokerImpl::send_offer_end(const StandingOffer& offer, const OfferId& id, OfferEnd end,
                                const std::optional<PeerAddress>& except) {
    auto* account = find_account(offer.spec.account);
    if (!account) return;
    for (const auto& [peer, declined] : offer.recipients) {
        if (!declined && peer != except) send(*account, peer, OfferEndSignal{id, end});
    }
}

void BrokerImpl::end_offer(const OfferId& id, Errc reason, OfferEnd end, const std::optional<PeerAddress>& except) {
    const auto offer = offers_.end(id, reason);
    if (!offer) return;
    send_offer_end(*offer, id, end, except);
    notify([id, reason](Handler& handler) { handler.on_offer_ended(id, reason); });
}

void BrokerImpl::handle(Account& account, const Origin& origin, OfferSignal& message, Respond& respond) {
    // What occupants offer, they announce to the room; nobody there may make this user's screen blink.
    if (origin.room) return respond(make_error_code(Errc::not_available));
    const bool stranger = !origin.may_see_presence && !origin.same_user;
    const auto answer = [&](Errc reason) {
        // Whatever becomes of a stranger's offer, they see what they would see if nobody was there.
        if (stranger || reason != Errc{}) return respond(make_error_code(stranger ? Errc::not_available : reason));
        respond(SignalReply());
    };
    const bool valid =
        is_valid_service_name(message.service) && check_parameters(message.parameters) && message.lifetime.count() > 0;
    if (!valid) return answer(Errc::not_available);
    const bool repeated =
        std::find(answered_offers_.begin(), answered_offers_.end(), message.offer) != answered_offers_.end();
    if (repeated || pending_.find(message.offer)) return answer(Errc{});
    const Asker asker{account.name(), origin.from.contact, origin.same_user};
    const auto decision = consent_.on_offer(asker, message);
    if (decision.verdict == Verdict::deny) return answer(Errc::not_available);
    note_key(asker, message.identity, decision.standing);
    WaitingRequest waiting;
    const auto lifetime = std::min(message.lifetime, kLongestLifetime);
    waiting.request = {message.offer,   true,         account.name(),     origin.from,      std::nullopt,
                       message.service, message.kind, message.parameters, message.identity, decision.standing,
                       now() + lifetime};
    waiting.stranger = stranger;
    waiting.same_user = origin.same_user;
    if (decision.verdict == Verdict::grant) {
        answer(Errc{});
        return accept_offer(waiting.request, {}, true);
    }
    const auto shown = waiting.request;
    waiting.timer = after(lifetime, [this, id = shown.id] { expire_pending(id); });
    if (!pending_.add(std::move(waiting))) return answer(Errc::limit_exceeded);
    answer(Errc{});
    notify([shown](Handler& handler) { handler.on_pending(shown); });
}

void BrokerImpl::handle(Account& account, const Origin& origin, OfferEndSignal& message, Respond& respond) {
    const bool stranger = !origin.may_see_presence && !origin.same_user;
    if (stranger) {
        respond(make_error_code(Errc::not_available));
    } else {
        respond(SignalReply());
    }
    if (message.end == OfferEnd::declined) {
        auto* offer = offers_.find(message.offer);
        const bool theirs =
            offer && offer->spec.account == account.name() && offer->spec.contact == origin.from.contact;
        if (!theirs || !offers_.declined_by(*offer, origin.from)) return;
        return end_offer(message.offer, Errc::refused, OfferEnd::withdrawn, std::nullopt);
    }
    const auto* waiting = pending_.find(message.offer);
    const bool theirs = waiting && waiting->request.is_offer && waiting->request.account == account.name() &&
                        waiting->request.from.contact == origin.from.contact;
    if (theirs) end_pending(message.offer, reason_of(message.end));
}

void BrokerImpl::answer_offer(WaitingRequest waiting, bool accept, TubeCallback callback) {
    const auto& offer = waiting.request;
    answered_offers_.push_back(offer.id);
    if (answered_offers_.size() > kRememberedAnswers) answered_offers_.pop_front();
    if (!accept) {
        if (auto* account = find_account(offer.account)) {
            send(*account, offer.from, OfferEndSignal{offer.id, OfferEnd::declined});
        }
        return call_back(callback, make_error_code(Errc::refused));
    }
    if (!waiting.same_user) {
        const auto pinned = keys_.accept(offer.account, offer.from.contact, offer.key);
        if (!pinned) return call_back(callback, pinned.error());
    }
    accept_offer(offer, std::move(callback), false);
}

void BrokerImpl::accept_offer(const PendingRequest& offer, TubeCallback callback, bool automatic) {
    TubeRequest request{random_id<TubeId>(), offer.service, offer.kind, offer.id, offer.parameters};
    auto& tube = add_outgoing(offer.account, std::move(request), std::move(callback), kAcceptDeadline);
    tube.expected_key = offer.key;
    tube.automatic = automatic;
    start_on_peer(tube, offer.from);
}

}  // namespace tubes::core
