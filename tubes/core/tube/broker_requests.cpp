// SPDX-License-Identifier: GPL-3.0-or-later
// The broker's incoming side: decisions about requests, and the user's answers.
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {

std::size_t BrokerImpl::count_incoming(const std::string& service) const {
    const auto counts = [&service](const auto& entry) {
        const auto& tube = entry.second;
        return tube.status.incoming && !tube.request.offer && tube.request.service == service;
    };
    return static_cast<std::size_t>(std::count_if(tubes_.begin(), tubes_.end(), counts));
}

Decision BrokerImpl::decide(const Asker& asker, const PublicKey& key, const TubeRequest& request) {
    const bool valid = is_valid_service_name(request.service) && check_parameters(request.parameters);
    if (!valid) return {};
    return consent_.on_request(asker, key, request, count_incoming(request.service));
}

void BrokerImpl::note_key(const Asker& asker, const PublicKey& key, KeyStanding standing) {
    if (standing != KeyStanding::new_key) return;
    if (!keys_.note_new(asker.account, asker.contact, key)) return;
    notify([account = asker.account, contact = asker.contact, key](Handler& handler) {
        handler.on_new_key(account, contact, key);
    });
}

TubeRecord& BrokerImpl::add_incoming(LinkSession& session, const TubeRequest& request, Parameters parameters,
                                     TubeCallback callback) {
    auto& tube = tubes_[request.tube];
    tube.status.id = request.tube;
    tube.status.link = session.id();
    tube.status.account = session.origin().account;
    tube.status.peer = session.origin().peer;
    tube.status.room = session.origin().room;
    tube.status.peer_key = session.peer_key();
    tube.status.service = request.service;
    tube.status.offer = request.offer;
    tube.status.kind = request.kind;
    tube.status.parameters = std::move(parameters);
    tube.status.state = TubeState::connecting;
    tube.status.incoming = true;
    tube.request = request;
    tube.callback = std::move(callback);
    tube.started = now();
    tube.stage = TubeStage::granted;
    tube.reached("accepted", now());
    session.tubes.insert(request.tube);
    session.linger.reset();
    return tube;
}

void BrokerImpl::grant_initiate(LinkSession& session, const TubeRequest& request, Parameters parameters,
                                TubeCallback callback) {
    const auto peer = session.origin().peer;
    auto* other = accepted_session(session.origin().account, peer, &session);
    const bool has_other = other && other->peer_key() == session.peer_key();
    if (has_other && other->preapproved.size() < limits_.tubes_per_link) {
        // One link between two devices is enough: the request is repeated on that one, and passes.
        other->preapproved.emplace(request.tube, std::move(callback));
        close_session(session, Errc::already_exists, true, other->id());
    } else {
        add_incoming(session, request, parameters, std::move(callback));
        session.accept(std::move(parameters));
    }
    if (request.offer) end_offer(*request.offer, Errc::taken, OfferEnd::taken, peer);
}

void BrokerImpl::grant_open(LinkSession& session, const TubeRequest& request, Parameters parameters,
                            TubeCallback callback) {
    auto& tube = add_incoming(session, request, parameters, std::move(callback));
    session.link()->send_control(TubeOpened{request.tube, false, std::nullopt, std::move(parameters)});
    if (request.offer) end_offer(*request.offer, Errc::taken, OfferEnd::taken, session.origin().peer);
    tube_is_open(tube);
}

result<void> BrokerImpl::wait_for_user(LinkSession& session, const TubeRequest& request, const Decision& decision,
                                       bool stranger, bool by_control) {
    WaitingRequest waiting;
    waiting.request.id = random_id<OfferId>();
    waiting.request.account = session.origin().account;
    waiting.request.from = session.origin().peer;
    waiting.request.room = session.origin().room;
    waiting.request.service = request.service;
    waiting.request.kind = request.kind;
    waiting.request.parameters = request.parameters;
    waiting.request.key = session.peer_key();
    waiting.request.standing = decision.standing;
    waiting.request.expires = now() + limits_.request_lifetime;
    waiting.stranger = stranger;
    waiting.same_user = session.origin().same_user;
    waiting.tube = request;
    waiting.link = session.id();
    waiting.by_control = by_control;
    const auto shown = waiting.request;
    waiting.timer = after(limits_.request_lifetime, [this, id = shown.id] { expire_pending(id); });
    const auto added = pending_.add(std::move(waiting));
    if (!added) return added.error();
    notify([shown](Handler& handler) { handler.on_pending(shown); });
    return {};
}

void BrokerImpl::on_tube_open_message(LinkSession& session, const TubeOpen& message) {
    const auto& request = message.request;
    const auto refuse = [&session, &request](Errc reason) {
        session.link()->send_control(TubeOpened{request.tube, false, reason, {}});
    };
    if (session.preapproved.contains(request.tube)) {
        auto callback = session.preapproved.extract(request.tube).mapped();
        const auto* share = shares_.find_for(asker_of(session), request.service, request.kind);
        return grant_open(session, request, share ? share->parameters : Parameters(), std::move(callback));
    }
    if (tubes_.contains(request.tube) || pending_.find_tube(request.tube)) return refuse(Errc::not_available);
    const auto asker = asker_of(session);
    const bool room = session.tubes.size() < limits_.tubes_per_link;
    // A user's own programs need no protection from each other.
    const bool in_time = asker.same_user || limiter_.allow(asker.account, asker.contact, now());
    if (!room || !in_time) return refuse(Errc::limit_exceeded);
    const auto decision = decide(asker, session.peer_key(), request);
    note_key(asker, session.peer_key(), decision.standing);
    switch (decision.verdict) {
        case Verdict::deny: return refuse(decision.reason);
        case Verdict::grant: return grant_open(session, request, decision.parameters, {});
        case Verdict::ask: break;
    }
    if (!wait_for_user(session, request, decision, false, true)) return refuse(Errc::limit_exceeded);
    session.link()->send_control(TubeOpened{request.tube, true, std::nullopt, {}});
}

void BrokerImpl::end_pending(const OfferId& id, Errc reason) {
    if (!pending_.take(id)) return;
    notify([id, reason](Handler& handler) { handler.on_pending_ended(id, reason); });
}

void BrokerImpl::expire_pending(const OfferId& id) {
    auto waiting = pending_.take(id);
    if (!waiting) return;
    if (!waiting->request.is_offer) refuse_waiting(*waiting, Errc::timed_out);
    notify([id](Handler& handler) { handler.on_pending_ended(id, Errc::expired); });
}

void BrokerImpl::refuse_waiting(WaitingRequest& waiting, Errc reason) {
    if (waiting.request.web) return end_web(waiting.link, reason, true);
    auto* session = find_session(waiting.link);
    if (!session) return;
    if (!waiting.by_control) return end_session(*session, reason, true);
    session->link()->send_control(TubeOpened{waiting.tube.tube, false, reason, {}});
}

void BrokerImpl::answer(const OfferId& id, bool accept, TubeCallback callback) {
    auto waiting = pending_.take(id);
    if (!waiting) return call_back(callback, make_error_code(Errc::not_found));
    if (waiting->request.is_offer) return answer_offer(std::move(*waiting), accept, std::move(callback));
    answer_request(std::move(*waiting), accept, std::move(callback));
}

void BrokerImpl::answer_request(WaitingRequest waiting, bool accept, TubeCallback callback) {
    const auto refuse = [&](Errc to_peer, Errc to_user) {
        refuse_waiting(waiting, to_peer);
        call_back(callback, make_error_code(to_user));
    };
    if (auto* web = find_web(waiting.link)) return answer_web(*web, waiting, accept, std::move(callback));
    auto* session = find_session(waiting.link);
    if (!accept || !session) return refuse(Errc::refused, accept ? Errc::cancelled : Errc::refused);
    const auto& request = waiting.request;
    // Shares, offers and policies may have changed while the user thought.
    const auto asker = asker_of(*session);
    const auto decision = decide(asker, request.key, waiting.tube);
    if (decision.verdict == Verdict::deny) return refuse(decision.reason, decision.reason);
    if (!waiting.same_user) {
        const auto pinned = keys_.accept(request.account, request.from.contact, request.key);
        if (!pinned) return refuse(Errc::refused, to_errc(pinned.error(), Errc::internal));
    }
    if (waiting.by_control) return grant_open(*session, waiting.tube, decision.parameters, std::move(callback));
    grant_initiate(*session, waiting.tube, decision.parameters, std::move(callback));
}

}  // namespace tubes::core
