// SPDX-License-Identifier: GPL-3.0-or-later
// A link's way from request to end.
#include "tubes/core/tube/link_session.hpp"

#include "tubes/base/log.hpp"
#include "tubes/core/tube/reasons.hpp"

namespace tubes::core {

LinkSession::LinkSession(SessionOrigin origin, SessionEnvironment environment, Owner& owner)
    : origin_(std::move(origin)),
      environment_(std::move(environment)),
      owner_(owner),
      negotiator_({origin_.id, origin_.role, origin_.addresses, origin_.same_user, environment_.negotiation,
                   environment_.carrier},
                  *environment_.scheduler, environment_.transports, environment_.find_servers, *this) {}

LinkSession::~LinkSession() = default;

bool LinkSession::is_accepted() const noexcept {
    switch (state_) {
        case SessionState::accepting:
        case SessionState::negotiating:
        case SessionState::open:
        case SessionState::stalled: return true;
        case SessionState::requesting:
        case SessionState::requested:
        case SessionState::closed: return false;
    }
    return false;
}

void LinkSession::initiate() {
    state_ = SessionState::requesting;
    negotiator_.prepare();
}

void LinkSession::requested(const LinkInitiate& message) {
    state_ = SessionState::requested;
    peer_key_ = message.identity;
    remote_ = message.transports;
}

void LinkSession::accept(Parameters parameters) {
    if (state_ != SessionState::requested) return;
    state_ = SessionState::accepting;
    accept_parameters_ = std::move(parameters);
    negotiator_.prepare();
}

void LinkSession::on_prepared(std::vector<ports::TransportDescription> descriptions) {
    if (state_ == SessionState::closed) return;
    if (descriptions.empty()) return on_no_path();
    if (state_ == SessionState::requesting) return send_initiate(std::move(descriptions));
    if (state_ == SessionState::accepting) send_accept(std::move(descriptions));
}

void LinkSession::send_initiate(std::vector<ports::TransportDescription> descriptions) {
    LinkInitiate message{origin_.id, environment_.identity->public_key(), origin_.first, std::move(descriptions)};
    std::weak_ptr<int> alive = alive_;
    owner_.send_session_signal(*this, std::move(message), [this, alive](error_code error) {
        if (!error || alive.expired() || state_ != SessionState::requesting) return;
        end(to_errc(error, Errc::not_available), error == Errc::timed_out);
    });
}

void LinkSession::send_accept(std::vector<ports::TransportDescription> descriptions) {
    state_ = SessionState::negotiating;
    make_link();
    LinkAccept message{origin_.id, environment_.identity->public_key(), accept_parameters_, std::move(descriptions)};
    std::weak_ptr<int> alive = alive_;
    owner_.send_session_signal(*this, std::move(message), [this, alive](error_code error) {
        if (!error || alive.expired() || state_ != SessionState::negotiating) return;
        end(to_errc(error, Errc::broken), true);
    });
    negotiator_.accepted(remote_);
}

void LinkSession::accepted(const LinkAccept& message) {
    if (state_ != SessionState::requesting) return;
    state_ = SessionState::negotiating;
    peer_key_ = message.identity;
    make_link();
    negotiator_.accepted(message.transports);
}

void LinkSession::make_link() {
    LinkConfiguration configuration;
    configuration.id = origin_.id;
    configuration.role = origin_.role;
    configuration.self = environment_.self;
    configuration.peer = origin_.peer.contact;
    configuration.peer_key = peer_key_;
    configuration.limits = environment_.link_limits;
    verification_ = std::make_unique<ShortStringExchange>(
        *environment_.crypto, VerifiedParty{configuration.self, environment_.identity->public_key()},
        VerifiedParty{configuration.peer, peer_key_}, [this](const ControlMessage& message) {
            if (link_ && state_ != SessionState::closed) link_->send_control(message);
        });
    Link::Handler& handler = *this;
    link_ = Link::make(std::move(configuration), *environment_.scheduler, *environment_.identity, *environment_.crypto,
                       handler);
}

void LinkSession::on_candidates(const LinkCandidates& message) {
    if (state_ == SessionState::closed) return;
    if (!message.candidates.empty()) phase_once(saw_candidate_, "first-candidate");
    negotiator_.on_candidates(message);
}

// The peer's network has changed: what we still believe in may be gone.
void LinkSession::on_restart(const LinkRestart& message) {
    negotiator_.on_restart(message);
    check_paths();
}

void LinkSession::network_changed() {
    negotiator_.network_changed();
    check_paths();
}

void LinkSession::peer_is_there(bool there) {
    if (!std::exchange(peer_there_, there) && there) negotiator_.connection_restored();
}

void LinkSession::check_paths() {
    if (link_ && state_ != SessionState::closed) link_->check_paths();
}

void LinkSession::close(Errc reason, bool tell, std::optional<LinkId> survivor) {
    if (state_ == SessionState::closed) return;
    const bool by_signal = tell && state_ != SessionState::open;
    state_ = SessionState::closed;
    negotiator_.close();
    linger.reset();
    if (verification_) verification_->cancel(reason);
    if (by_signal) owner_.send_session_signal(*this, LinkTerminate{origin_.id, reason, survivor}, {});
    if (link_ && !link_closed_) return link_->close(reason);
    std::weak_ptr<int> alive = alive_;
    environment_.scheduler->post([this, alive] {
        if (!alive.expired()) owner_.on_session_gone(*this);
    });
}

void LinkSession::end(Errc reason, bool tell) {
    if (state_ == SessionState::closed) return;
    owner_.on_session_ended(*this, reason, tell);
}

void LinkSession::on_open() {
    if (state_ == SessionState::closed) return;
    state_ = SessionState::open;
    negotiator_.link_changed(link_->status());
    owner_.on_session_open(*this);
}

void LinkSession::on_stream(std::shared_ptr<Stream> stream) {
    if (state_ == SessionState::closed) return stream->reset(Errc::broken);
    owner_.on_session_stream(*this, std::move(stream));
}

void LinkSession::on_control(ControlMessage message) {
    if (state_ != SessionState::closed) owner_.on_session_control(*this, std::move(message));
}

void LinkSession::on_path_change(const LinkStatus& status) {
    if (state_ == SessionState::closed) return;
    if (status.state == LinkState::stalled) state_ = SessionState::stalled;
    if (status.state == LinkState::open) state_ = SessionState::open;
    negotiator_.link_changed(status);
    owner_.on_session_changed(*this);
}

void LinkSession::on_path_refused(PathKind kind, error_code reason) {
    // A path that merely went, such as the peer's surplus one of a race, is no news; a failed proof may be an attack.
    const auto level = reason == Errc::identity_mismatch || reason == Errc::protocol_violation ? spdlog::level::warn
                                                                                               : spdlog::level::debug;
    base::logger("negotiation")
        ->log(level, "{}: {} path refused: {}", origin_.id.hex(), to_string(kind), reason.message());
    if (state_ == SessionState::closed) return;
    saw_impostor_ = saw_impostor_ || reason == Errc::identity_mismatch;
    negotiator_.path_refused(kind, reason);
}

void LinkSession::on_closed(error_code reason) {
    link_closed_ = true;
    if (state_ == SessionState::closed) return owner_.on_session_gone(*this);
    end(to_errc(reason, Errc::broken), false);
}

void LinkSession::send_negotiation(Signal signal, Delivered delivered) {
    if (state_ != SessionState::closed) owner_.send_session_signal(*this, std::move(signal), std::move(delivered));
}

void LinkSession::on_negotiated_path(std::unique_ptr<ports::MessagePath> path, std::uint32_t generation) {
    if (state_ == SessionState::closed || !link_) return path->close();
    phase_once(saw_path_, "path");
    link_->add_path(std::move(path), generation);
}

void LinkSession::on_no_path() {
    end(saw_impostor_ ? Errc::identity_mismatch : Errc::no_path, true);
}

void LinkSession::phase_once(bool& flag, const char* phase) {
    if (std::exchange(flag, true)) return;
    owner_.on_session_phase(*this, phase);
}

LinkReport LinkSession::report() const {
    LinkReport report;
    report.id = origin_.id;
    report.account = origin_.account;
    report.peer = origin_.peer;
    report.peer_key = peer_key_;
    report.role = origin_.role;
    if (!link_) return report;
    report.status = link_->status();
    for (const auto& path : report.status.paths) {
        if (path.active) report.why_relayed = negotiator_.why_relayed(path.info.kind);
    }
    return report;
}

}  // namespace tubes::core
