// SPDX-License-Identifier: GPL-3.0-or-later
// Foreign peers: their requests pass the same limits and policies as those of devices, but nothing proves who they are
// except the account that signals.
// Spec: docs/protocol.md, "Foreign peers".
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {
namespace {

constexpr std::size_t kMaxSessionName = 128;  // Bytes.

}  // namespace

WebSession* BrokerImpl::find_web(const LinkId& id) const {
    const auto found = web_sessions_.find(id);
    return found == web_sessions_.end() ? nullptr : found->second.get();
}

WebSession* BrokerImpl::find_web(const ports::AccountName& account, const PeerAddress& peer,
                                 const std::string& name) const {
    for (const auto& [id, session] : web_sessions_) {
        const auto& origin = session->origin();
        if (origin.account == account && origin.peer == peer && session->name() == name) return session.get();
    }
    return nullptr;
}

Decision BrokerImpl::decide_web(const WebSession& session) const {
    const auto& origin = session.origin();
    const Asker asker{origin.account, origin.peer.contact};
    const auto open = count_incoming(session.service()) - (tubes_.contains(origin.tube) ? 1 : 0);
    return consent_.on_web_request(asker, session.service(), open);
}

void BrokerImpl::on_account_web_signal(Account& account, const Origin& origin, ports::WebSignal signal,
                                       Respond respond) {
    // Strangers and people in rooms find nobody: only a contact's account can vouch for a peer without a key.
    const bool contact = origin.may_see_presence && !origin.room;
    if (!contact || !environment_.web) return respond(make_error_code(Errc::not_available));
    if (!limiter_.allow(account.name(), origin.from.contact, now())) {
        return respond(make_error_code(Errc::limit_exceeded));
    }
    if (std::holds_alternative<ports::WebInitiate>(signal.action)) {
        return request_web(account, origin, signal, respond);
    }
    auto* session = find_web(account.name(), origin.from, signal.session);
    if (!session) return respond(make_error_code(Errc::not_available));
    respond(SignalReply());
    if (const auto* candidates = std::get_if<ports::WebCandidates>(&signal.action)) {
        return session->add_candidates(candidates->candidates);
    }
    if (std::holds_alternative<ports::WebTerminate>(signal.action)) {
        end_web(LinkId(session->origin().id), Errc::end_of_stream, false);
    }
}

void BrokerImpl::request_web(Account& account, const Origin& origin, const ports::WebSignal& signal, Respond& respond) {
    if (find_web(account.name(), origin.from, signal.session)) return respond(SignalReply());  // A repeat.
    const bool valid = !signal.session.empty() && signal.session.size() <= kMaxSessionName;
    const auto of_contact = [&](const auto& entry) {
        const auto& other = entry.second->origin();
        return other.account == account.name() && other.peer.contact == origin.from.contact;
    };
    const auto count = std::count_if(web_sessions_.begin(), web_sessions_.end(), of_contact);
    WebSession::Origin begun;
    begun.id = random_id<LinkId>();
    begun.tube = random_id<TubeId>();
    begun.account = account.name();
    begun.peer = origin.from;
    begun.addresses = addresses_for(asker_of(account, origin), PublicKey{}, true);
    const auto known = account.find(origin.from.contact);
    begun.listed = known && std::any_of(known->peers.begin(), known->peers.end(), [&origin](const auto& peer) {
                       return peer.address == origin.from && peer.presence != ports::Presence::offline;
                   });
    WebSession::Owner& owner = *this;
    const auto id = begun.id;
    auto session =
        std::make_shared<WebSession>(std::move(begun), signal, std::get<ports::WebInitiate>(signal.action), owner);
    const auto decision = decide_web(*session);
    if (!valid || decision.verdict == Verdict::deny) return respond(make_error_code(Errc::not_available));
    const bool full = static_cast<std::size_t>(count) >= limits_.web_sessions_per_contact ||
                      sessions_.size() + web_sessions_.size() >= limits_.links;
    if (full) return respond(make_error_code(Errc::limit_exceeded));
    web_sessions_.emplace(id, session);
    respond(SignalReply());
    begin_web(*session, decision);
}

void BrokerImpl::begin_web(WebSession& session, const Decision& decision) {
    if (decision.verdict == Verdict::grant) return grant_web(session, decision.parameters, {});
    if (!ask_about_web(session, decision)) return end_web(LinkId(session.origin().id), Errc::limit_exceeded, true);
    session.tell(ports::WebPending{});
}

bool BrokerImpl::ask_about_web(WebSession& session, const Decision& decision) {
    const auto& origin = session.origin();
    WaitingRequest waiting;
    waiting.request.id = random_id<OfferId>();
    waiting.request.web = true;
    waiting.request.account = origin.account;
    waiting.request.from = origin.peer;
    waiting.request.service = session.service();
    waiting.request.standing = decision.standing;
    waiting.request.expires = now() + limits_.request_lifetime;
    waiting.tube.tube = origin.tube;
    waiting.tube.service = session.service();
    waiting.link = origin.id;
    const auto shown = waiting.request;
    waiting.timer = after(limits_.request_lifetime, [this, id = shown.id] { expire_pending(id); });
    if (!pending_.add(std::move(waiting))) return false;
    notify([shown](Handler& handler) { handler.on_pending(shown); });
    return true;
}

void BrokerImpl::answer_web(WebSession& session, const WaitingRequest& waiting, bool accept, TubeCallback callback) {
    const auto id = waiting.link;
    // Shares and policies may have changed while the user thought.
    const auto decision = decide_web(session);
    if (accept && decision.verdict != Verdict::deny)
        return grant_web(session, decision.parameters, std::move(callback));
    const auto reason = accept ? decision.reason : Errc::refused;
    end_web(id, reason, true);
    call_back(callback, make_error_code(reason));
}

void BrokerImpl::grant_web(WebSession& session, Parameters parameters, TubeCallback callback) {
    const auto& origin = session.origin();
    auto& tube = tubes_[origin.tube];
    tube.status.id = origin.tube;
    tube.status.link = origin.id;
    tube.status.account = origin.account;
    tube.status.peer = origin.peer;
    tube.status.service = session.service();
    tube.status.parameters = std::move(parameters);
    tube.status.state = TubeState::connecting;
    tube.status.incoming = true;
    tube.request.tube = origin.tube;
    tube.request.service = session.service();
    tube.callback = std::move(callback);
    tube.started = now();
    tube.stage = TubeStage::granted;
    tube.reached("accepted", now());
    const auto id = origin.id;
    session.deadline = after(limits_.negotiation, [this, id] { end_web(id, Errc::no_path, true); });
    auto* account = find_account(origin.account);
    if (!account) return;
    std::weak_ptr<int> alive = alive_;
    account->connection().find_ice_servers([this, alive, id](std::vector<ports::IceServer> servers) {
        auto* waiting = alive.expired() ? nullptr : find_web(id);
        if (!waiting) return;
        const auto answered = waiting->accept(*environment_.web, std::move(servers));
        if (!answered) end_web(id, to_errc(answered.error(), Errc::no_path), true);
    });
}

void BrokerImpl::send_web_signal(WebSession& session, ports::WebSignal signal) {
    if (auto* account = find_account(session.origin().account)) {
        account->connection().send_web_signal(session.origin().peer, std::move(signal));
    }
}

void BrokerImpl::on_web_session_open(WebSession& session) {
    auto* tube = find_tube(session.origin().tube);
    if (!tube) return;
    tube->reached("path", now());
    tube_is_open(*tube);
    const auto report = session.report();
    notify([report](Handler& handler) { handler.on_link(report); });
}

void BrokerImpl::on_web_session_stream(WebSession& session, std::shared_ptr<Stream> stream) {
    const auto id = session.origin().tube;
    auto* tube = find_tube(id);
    if (!tube || tube->stage != TubeStage::open) return stream->reset(Errc::not_available);
    tube->streams.add(stream);
    later([this, id, stream] {
        if (find_tube(id)) handler_.on_stream(id, stream);
    });
}

void BrokerImpl::on_web_session_ended(WebSession& session, Errc reason) {
    // What its channels brought before is delivered first.
    later([this, id = session.origin().id, reason] { end_web(id, reason, true); });
}

void BrokerImpl::end_web(const LinkId& id, Errc reason, bool tell) {
    auto node = web_sessions_.extract(id);
    if (node.empty()) return;
    const auto session = node.mapped();
    if (tell) session->tell(ports::WebTerminate{reason});
    const bool was_open = session->is_open();
    auto report = session->report();
    report.status.state = LinkState::closed;
    if (was_open) notify([report](Handler& handler) { handler.on_link(report); });
    for (const auto& waiting : pending_.of_link(id)) end_pending(waiting, Errc::cancelled);
    end_tube(session->origin().tube, reason, false);
    session->close(reason);
    later([session] {});  // It may be the one that is calling.
}

void BrokerImpl::end_webs(Errc reason, bool tell, const std::function<bool(const WebSession&)>& is_over) {
    std::vector<LinkId> over;
    for (const auto& [id, session] : web_sessions_) {
        if (is_over(*session)) over.push_back(id);
    }
    for (const auto& id : over) end_web(id, reason, tell);
}

}  // namespace tubes::core
