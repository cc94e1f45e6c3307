// SPDX-License-Identifier: GPL-3.0-or-later
// Between the signals of a foreign peer and its connection.
#include "tubes/core/tube/web_session.hpp"

#include <utility>

#include "tubes/core/tube/reasons.hpp"

namespace tubes::core {
namespace {

/// Of one session; docs/protocol.md, "Limits".
constexpr std::size_t kMaxCandidates = 128;

}  // namespace

WebSession::WebSession(Origin origin, const ports::WebSignal& signal, const ports::WebInitiate& initiate, Owner& owner)
    : origin_(std::move(origin)),
      name_(signal.session),
      content_(signal.content),
      service_(initiate.service),
      remote_(initiate.description),
      owner_(owner) {
    add_candidates(initiate.candidates);
}

WebSession::~WebSession() {
    close(Errc::broken);
}

void WebSession::tell(decltype(ports::WebSignal::action) action) {
    owner_.send_web_signal(*this, {name_, content_, std::move(action)});
}

result<void> WebSession::accept(ports::WebTransport& transport, std::vector<ports::IceServer> servers) {
    ports::AttemptParameters parameters;
    parameters.link = origin_.id;
    parameters.role = LinkRole::responder;
    parameters.addresses = origin_.addresses;
    parameters.servers = std::move(servers);
    ports::WebConnection::Handler& handler = *this;
    auto answered = transport.answer(parameters, origin_.tube, remote_, handler);
    if (!answered) return answered.error();
    connection_ = std::move(*answered);
    // The answer first: candidates of ours mean nothing before it.
    tell(ports::WebAccept{connection_->description()});
    connection_->start();
    for (const auto& candidate : std::exchange(early_, {})) connection_->add_remote_candidate(candidate);
    return {};
}

void WebSession::add_candidates(const std::vector<ports::Candidate>& candidates) {
    for (const auto& candidate : candidates) {
        if (candidates_++ >= kMaxCandidates) return;
        if (connection_) {
            connection_->add_remote_candidate(candidate);
        } else {
            early_.push_back(candidate);
        }
    }
}

void WebSession::close(Errc reason) {
    deadline.reset();
    if (connection_) connection_->close(reason);
}

LinkReport WebSession::report() const {
    LinkReport report;
    report.id = origin_.id;
    report.account = origin_.account;
    report.peer = origin_.peer;
    report.role = LinkRole::responder;
    report.status.state = open_ ? LinkState::open : LinkState::connecting;
    if (!open_) return report;
    PathStatus path;
    path.active = true;
    path.info = connection_->info();
    path.metrics = connection_->metrics();
    report.status.rtt = path.metrics.rtt;
    report.status.paths.push_back(std::move(path));
    return report;
}

void WebSession::on_web_candidate(const ports::Candidate& candidate) {
    tell(ports::WebCandidates{{candidate}});
}

void WebSession::on_web_open() {
    open_ = true;
    deadline.reset();
    owner_.on_web_session_open(*this);
}

void WebSession::on_web_stream(std::shared_ptr<Stream> stream) {
    owner_.on_web_session_stream(*this, std::move(stream));
}

void WebSession::on_web_closed(error_code reason) {
    owner_.on_web_session_ended(*this, to_errc(reason, Errc::broken));
}

}  // namespace tubes::core
