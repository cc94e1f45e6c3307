// SPDX-License-Identifier: GPL-3.0-or-later
// The broker's links: their table, glare, and what a link's end means for its tubes.
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSignalDeadline{15000};  // For the peer's receipt of a signal of a link.
constexpr milliseconds kLeavingDeadline{5000};  // A closed link may take this long to get its last frames out.

}  // namespace

LinkSession& BrokerImpl::add_session(Account& account, SessionOrigin origin) {
    SessionEnvironment environment;
    environment.scheduler = environment_.scheduler;
    environment.crypto = environment_.crypto;
    environment.identity = &account.identity();
    environment.self = account.self(origin.room).value_or(account.connection().info().self);
    environment.transports = environment_.transports;
    environment.link_limits = link_limits_;
    environment.negotiation = limits_.negotiation;
    std::weak_ptr<int> alive = alive_;
    environment.find_servers = [this, alive, name = account.name()](auto callback) {
        if (alive.expired()) return;
        if (auto* found = find_account(name)) found->connection().find_ice_servers(std::move(callback));
    };
    environment.carrier = account.connection().carrier(origin.peer);
    const auto id = origin.id;
    LinkSession::Owner& owner = *this;
    auto session = std::make_unique<LinkSession>(std::move(origin), std::move(environment), owner);
    return *sessions_.emplace(id, std::move(session)).first->second;
}

LinkSession* BrokerImpl::find_session(const LinkId& id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

LinkSession* BrokerImpl::accepted_session(const ports::AccountName& account, const PeerAddress& peer,
                                          const LinkSession* other_than) {
    for (auto& [id, session] : sessions_) {
        const auto& origin = session->origin();
        if (session.get() != other_than && session->is_accepted() && origin.account == account && origin.peer == peer) {
            return session.get();
        }
    }
    return nullptr;
}

void BrokerImpl::send_session_signal(LinkSession& session, Signal signal, LinkSession::Delivered delivered) {
    auto* account = find_account(session.origin().account);
    if (!account) return;
    account->connection().send_signal(session.origin().peer, std::move(signal), kSignalDeadline,
                                      [delivered = std::move(delivered)](const result<SignalReply>& reply) {
                                          if (delivered) delivered(reply ? error_code() : reply.error());
                                      });
}

std::set<TubeId> BrokerImpl::close_session(LinkSession& session, Errc reason, bool tell,
                                           std::optional<LinkId> survivor) {
    auto node = sessions_.extract(session.id());
    if (node.empty()) return {};
    const auto id = session.id();
    remember_ended(id);
    if (session.link()) {
        auto report = session.report();
        report.status.state = LinkState::closed;
        notify([report](Handler& handler) { handler.on_link(report); });
    }
    leaving_.emplace(&session, std::move(node.mapped()));
    session.close(reason, tell, survivor);
    session.linger = after(kLeavingDeadline, [this, key = &session] { on_session_gone(*key); });
    for (auto& [tube, callback] : std::exchange(session.preapproved, {})) call_back(callback, make_error_code(reason));
    for (const auto& waiting : pending_.of_link(id)) end_pending(waiting, Errc::cancelled);
    return std::exchange(session.tubes, {});
}

void BrokerImpl::end_session(LinkSession& session, Errc reason, bool tell) {
    for (const auto& tube : close_session(session, reason, tell)) end_tube(tube, reason, false);
}

void BrokerImpl::on_session_gone(LinkSession& session) {
    // It may be the one that is calling.
    later([this, key = &session] { leaving_.erase(key); });
}

void BrokerImpl::on_session_ended(LinkSession& session, Errc reason, bool tell) {
    for (const auto& tube : close_session(session, reason, tell)) lose_tube(tube, reason);
}

void BrokerImpl::lose_tube(const TubeId& id, Errc reason) {
    auto* tube = find_tube(id);
    if (!tube) return;
    tube->status.link = {};
    switch (tube->stage) {
        case TubeStage::requesting: return request_failed(*tube, reason);
        case TubeStage::waiting_for_link:
        case TubeStage::asked: return retry_tube(*tube);
        case TubeStage::waiting_for_contact:
        case TubeStage::choosing:
        case TubeStage::granted:
        case TubeStage::open: return end_tube(TubeId(id), reason, false);
    }
}

void BrokerImpl::on_session_open(LinkSession& session) {
    for (const auto& id : std::set<TubeId>(session.tubes)) {
        auto* tube = find_tube(id);
        if (!tube) continue;
        tube->reached("proved", now());
        if (tube->stage == TubeStage::granted) tube_is_open(*tube);
        if (tube->stage == TubeStage::waiting_for_link) ask_on_link(*tube, session);
    }
    if (session.tubes.empty()) arm_linger(session);
    on_session_changed(session);
}

void BrokerImpl::on_session_changed(LinkSession& session) {
    const auto report = session.report();
    notify([report](Handler& handler) { handler.on_link(report); });
    const auto& origin = session.origin();
    if (session.state() != SessionState::stalled || !origin.same_user) return;
    later([this, name = origin.account, contact = origin.peer.contact] {
        if (auto* account = find_account(name)) end_dead_links(*account, contact);
    });
}

void BrokerImpl::on_session_phase(LinkSession& session, const char* phase) {
    for (const auto& id : session.tubes) {
        if (auto* tube = find_tube(id); tube && tube->stage != TubeStage::open) tube->reached(phase, now());
    }
}

void BrokerImpl::on_session_stream(LinkSession& session, std::shared_ptr<Stream> stream) {
    const auto id = stream->tube();
    auto* tube = find_tube(id);
    const bool allowed = tube && tube->status.link == session.id() && tube->stage == TubeStage::open;
    if (!allowed) return stream->reset(Errc::not_available);
    tube->streams.add(stream);
    later([this, id, stream] {
        // Its tube may have been closed, and the stream reset, before this turn came.
        if (find_tube(id)) handler_.on_stream(id, stream);
    });
}

void BrokerImpl::on_session_control(LinkSession& session, ControlMessage message) {
    if (auto* open = std::get_if<TubeOpen>(&message)) return on_tube_open_message(session, *open);
    if (auto* opened = std::get_if<TubeOpened>(&message)) return on_tube_opened(session, *opened);
    if (auto* closed = std::get_if<TubeClosed>(&message)) return on_tube_closed_message(session, *closed);
    if (auto* commit = std::get_if<VerifyCommit>(&message)) return session.verification()->on_commit(*commit);
    if (auto* reveal = std::get_if<VerifyReveal>(&message)) return session.verification()->on_reveal(*reveal);
}

void BrokerImpl::release_tube(const LinkId& link, const TubeId& tube) {
    auto* session = find_session(link);
    if (!session) return;
    session->tubes.erase(tube);
    if (!session->tubes.empty()) return;
    const auto state = session->state();
    if (state == SessionState::open || state == SessionState::stalled) return arm_linger(*session);
    // Nobody wants it any more, and nothing has come of it yet.
    end_session(*session, Errc::cancelled, true);
}

void BrokerImpl::arm_linger(LinkSession& session) {
    session.linger = after(limits_.linger, [this, id = session.id()] {
        auto* found = find_session(id);
        if (found && found->tubes.empty()) end_session(*found, Errc::cancelled, true);
    });
}

// Both sides began a link and both accepted the other's: the lower id survives, on both sides alike (XEP-0166 §7.2.16
// resolves the same by the lower session id). A link of the peer's that we have not yet said yes to yields at once.
void BrokerImpl::settle_glare(LinkSession& fresh) {
    auto* other = accepted_session(fresh.origin().account, fresh.origin().peer, &fresh);
    if (!other || other->origin().role != LinkRole::responder || other->peer_key() != fresh.peer_key()) return;
    if (other->state() == SessionState::accepting) {
        const auto first = other->origin().first;
        TubeCallback callback;
        if (auto* tube = find_tube(first.tube)) callback = std::exchange(tube->callback, nullptr);
        fresh.preapproved.emplace(first.tube, std::move(callback));
        for (const auto& id : close_session(*other, Errc::already_exists, true, fresh.id())) {
            if (id == first.tube) {
                tubes_.erase(id);
            } else {
                lose_tube(id, Errc::already_exists);
            }
        }
        return;
    }
    if (other->state() != SessionState::negotiating) return;
    auto& loser = fresh.id() < other->id() ? *other : fresh;
    auto& survivor = fresh.id() < other->id() ? fresh : *other;
    for (const auto& id : close_session(loser, Errc::already_exists, false)) {
        survivor.tubes.insert(id);
        if (auto* tube = find_tube(id)) tube->status.link = survivor.id();
    }
}

void BrokerImpl::move_to_survivor(LinkSession& session, const std::optional<LinkId>& survivor) {
    const auto account = session.origin().account;
    const auto peer = session.origin().peer;
    auto* target = survivor ? find_session(*survivor) : nullptr;
    if (target && (!target->is_accepted() || target->origin().account != account || target->origin().peer != peer)) {
        target = nullptr;
    }
    const auto tubes = close_session(session, Errc::already_exists, false);
    if (survivor && !target) {
        // The peer holds on to a link that is over here: it should let go of it.
        if (auto* found = find_account(account)) send(*found, peer, LinkTerminate{*survivor, Errc::broken, {}});
    }
    for (const auto& id : tubes) {
        auto* tube = find_tube(id);
        if (!tube) continue;
        if (target) {
            ask_on_link(*tube, *target);
        } else {
            retry_tube(*tube);
        }
    }
}

}  // namespace tubes::core
