// SPDX-License-Identifier: GPL-3.0-or-later
// The broker's incoming signals: limits, strangers, and one handler for each kind.
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {
namespace {

bool is_stranger(const ports::SignalOrigin& origin) {
    return !origin.may_see_presence && !origin.same_user && !origin.room;
}

void answer_received(ports::Connection::Responder& respond) {
    respond(SignalReply());
}

void answer_error(ports::Connection::Responder& respond, Errc reason) {
    respond(make_error_code(reason));
}

// The link that a signal is about, if it is about one.
std::optional<LinkId> link_of(const Signal& signal) {
    return std::visit(
        [](const auto& message) -> std::optional<LinkId> {
            if constexpr (requires { message.link; }) return message.link;
            return std::nullopt;
        },
        signal);
}

}  // namespace

void BrokerImpl::on_account_signal(Account& account, const Origin& origin, Signal signal, Respond respond) {
    const bool stranger = is_stranger(origin);
    if (!is_permitted(account, origin, signal)) {
        return answer_error(respond, stranger ? Errc::not_available : Errc::limit_exceeded);
    }
    std::visit([&](auto& message) { handle(account, origin, message, respond); }, signal);
}

bool BrokerImpl::is_permitted(Account& account, const Origin& origin, const Signal& signal) {
    // This user's own programs, by the kernel's word: a script may open tubes as fast as it likes.
    if (account.is_same_user(origin.from.contact) || (origin.room && origin.same_user)) return true;
    // Where a nickname is all there is, an occupant could change it for a fresh allowance.
    const bool nameless = origin.room && origin.from.contact.value == origin.from.value;
    if (nameless) return limiter_.allow(account.name(), *origin.room, now());
    if (is_stranger(origin)) {
        // Someone whose link the user accepted is limited like a contact, so that strangers cannot starve them.
        const auto link = link_of(signal);
        const auto* session = link ? find_session(*link) : nullptr;
        const bool accepted = session && session->state() != SessionState::requested &&
                              session->origin().account == account.name() && session->origin().peer == origin.from;
        if (!accepted) return limiter_.allow_stranger(now());
    }
    return limiter_.allow(account.name(), origin.from.contact, now());
}

LinkSession* BrokerImpl::session_of(const Account& account, const Origin& origin, const LinkId& id, Respond& respond) {
    auto* session = find_session(id);
    // A link belongs to an account and a peer address; to everybody else it does not exist.
    if (session && session->origin().account == account.name() && session->origin().peer == origin.from) return session;
    answer_error(respond, Errc::not_available);
    return nullptr;
}

void BrokerImpl::handle(Account& account, const Origin& origin, LinkInitiate& message, Respond& respond) {
    const auto* existing = find_session(message.link);
    if (existing && existing->origin().account == account.name() && existing->origin().peer == origin.from) {
        return answer_received(respond);  // A repeat, as after a resumed stream.
    }
    const bool stale = existing || has_ended(message.link) || tubes_.contains(message.request.tube) ||
                       pending_.find_tube(message.request.tube);
    if (stale) return answer_error(respond, Errc::not_available);
    const bool stranger = is_stranger(origin);
    const auto asker = asker_of(account, origin);
    // Nobody but the person it was made to can accept an offer; for all else a stranger finds nobody here.
    if (stranger && !message.request.offer) return answer_error(respond, Errc::not_available);
    if (auto* old = accepted_session(account.name(), origin.from)) {
        // The peer has no link to us any more, or it is another device now.
        const bool changed = old->peer_key() != message.identity;
        if (changed) end_session(*old, Errc::key_changed, true);
        if (!changed && old->state() == SessionState::stalled) on_session_ended(*old, Errc::broken, false);
    }
    const auto decision = decide(asker, message.identity, message.request);
    if (decision.verdict == Verdict::deny && decision.reason == Errc::not_available) {
        return answer_error(respond, Errc::not_available);
    }
    note_key(asker, message.identity, decision.standing);
    if (decision.verdict != Verdict::deny && sessions_.size() >= limits_.links) {
        return answer_error(respond, stranger ? Errc::not_available : Errc::limit_exceeded);
    }
    answer_received(respond);
    if (decision.verdict == Verdict::deny) {
        return send(account, origin.from, LinkTerminate{message.link, decision.reason, std::nullopt});
    }
    receive_request(account, origin, message, decision);
}

void BrokerImpl::receive_request(Account& account, const Origin& origin, const LinkInitiate& message,
                                 const Decision& decision) {
    const bool stranger = is_stranger(origin);
    SessionOrigin begun;
    begun.id = message.link;
    begun.account = account.name();
    begun.peer = origin.from;
    begun.role = LinkRole::responder;
    begun.same_user = origin.same_user;
    begun.listed = !stranger;
    begun.room = origin.room;
    begun.addresses = addresses_for(asker_of(account, origin), message.identity, !stranger);
    begun.first = message.request;
    auto& session = add_session(account, std::move(begun));
    session.requested(message);
    if (decision.verdict == Verdict::ask) {
        if (!wait_for_user(session, message.request, decision, stranger, false)) {
            return end_session(session, Errc::limit_exceeded, true);
        }
        return send(account, origin.from, LinkPending{message.link});
    }
    if (decision.standing == KeyStanding::first) {
        const auto pinned = keys_.accept(account.name(), origin.from.contact, message.identity);
        if (!pinned) return end_session(session, Errc::refused, true);
    }
    grant_initiate(session, message.request, decision.parameters, {});
}

void BrokerImpl::handle(Account& account, const Origin& origin, LinkPending& message, Respond& respond) {
    auto* session = session_of(account, origin, message.link, respond);
    if (!session) return;
    answer_received(respond);
    if (auto* tube = find_tube(session->origin().first.tube)) tube->peer_answers = true;
}

void BrokerImpl::handle(Account& account, const Origin& origin, LinkAccept& message, Respond& respond) {
    auto* session = session_of(account, origin, message.link, respond);
    if (!session) return;
    answer_received(respond);
    if (session->state() != SessionState::requesting) return;
    auto* tube = find_tube(session->origin().first.tube);
    if (!tube) return end_session(*session, Errc::cancelled, true);
    if (tube->expected_key && *tube->expected_key != message.identity) {
        return end_session(*session, Errc::identity_mismatch, true);
    }
    const auto asker = asker_of(*session);
    const auto standing = consent_.standing(asker, message.identity);
    note_key(asker, message.identity, standing);
    if (standing == KeyStanding::new_key) {
        const auto id = tube->status.id;
        close_session(*session, Errc::cancelled, true);
        return end_tube(id, Errc::key_changed, false);
    }
    if (standing == KeyStanding::first) {
        const auto pinned = keys_.accept(asker.account, asker.contact, message.identity);
        if (!pinned) return end_session(*session, to_errc(pinned.error(), Errc::internal), true);
    }
    tube->stage = TubeStage::granted;
    tube->status.state = TubeState::connecting;
    tube->status.peer_key = message.identity;
    if (!message.parameters.empty()) tube->status.parameters = message.parameters;
    tube->reached("accepted", now());
    session->accepted(message);
    settle_glare(*session);
}

void BrokerImpl::handle(Account& account, const Origin& origin, LinkCandidates& message, Respond& respond) {
    auto* session = session_of(account, origin, message.link, respond);
    if (!session) return;
    answer_received(respond);
    session->on_candidates(message);
}

void BrokerImpl::handle(Account& account, const Origin& origin, LinkRestart& message, Respond& respond) {
    auto* session = session_of(account, origin, message.link, respond);
    if (!session) return;
    answer_received(respond);
    session->on_restart(message);
}

void BrokerImpl::handle(Account& account, const Origin& origin, LinkTerminate& message, Respond& respond) {
    auto* session = session_of(account, origin, message.link, respond);
    if (!session) return;
    answer_received(respond);
    if (message.reason == Errc::already_exists && session->state() == SessionState::requesting) {
        return move_to_survivor(*session, message.survivor);
    }
    on_session_ended(*session, from_peer(message.reason), false);
}

void BrokerImpl::handle(Account& account, const Origin& origin, ServiceQuery&, Respond& respond) {
    if (is_stranger(origin)) return answer_error(respond, Errc::not_available);
    const auto asker = asker_of(account, origin);
    respond(SignalReply(ServiceList{account.identity().public_key(), consent_.services_for(asker)}));
}

void BrokerImpl::handle(Account&, const Origin& origin, PingSignal&, Respond& respond) {
    if (is_stranger(origin)) return answer_error(respond, Errc::not_available);
    answer_received(respond);
}

}  // namespace tubes::core
