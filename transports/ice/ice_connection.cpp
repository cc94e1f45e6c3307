// SPDX-License-Identifier: GPL-3.0-or-later
// The steps from gathering to an open association, and the ways it ends.
#include "transports/ice/ice_connection.hpp"

#include <boost/asio/post.hpp>

#include <utility>

#include "transports/ice/server_resolver.hpp"
#include "tubes/base/log.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using core::LinkRole;

constexpr std::size_t kMaxRemoteCandidates = 32;
/// Bytes of messages that wait for the path's start(): the peer may send as soon as its end is open, and puts at most
/// its send buffer (2 MiB) in flight; as much again for what it sends while that is acknowledged.
constexpr std::size_t kMaxBacklog = 4 * 1024 * 1024;
/// How long an orderly close may take.
constexpr auto kLinger = 2s;

}  // namespace

result<std::shared_ptr<IceConnection>> IceConnection::create(boost::asio::any_io_executor executor,
                                                             const core::ports::AttemptParameters& parameters,
                                                             const AddressRules& rules, SetupEvents& events) {
    std::shared_ptr<IceConnection> created(new IceConnection(std::move(executor), parameters, rules, events));
    auto agent = IceAgent::create(created->executor_, parameters.role == LinkRole::initiator, *created);
    if (!agent) return agent.error();
    created->agent_ = std::move(*agent);
    created->dtls_ = DtlsSession::create(created->executor_, *created->agent_);
    created->sctp_ = SctpAssociation::create(created->executor_, SctpStack::acquire(), *created->dtls_);
    return created;
}

IceConnection::IceConnection(boost::asio::any_io_executor executor, core::ports::AttemptParameters parameters,
                             const AddressRules& rules, SetupEvents& events)
    : executor_(std::move(executor)),
      parameters_(std::move(parameters)),
      rules_(rules),
      setup_(&events),
      certificate_(Certificate::generate()),
      linger_(executor_) {
    rules_.policy = parameters_.addresses;
}

IceConnection::~IceConnection() {
    abort();
}

core::ports::TransportDescription IceConnection::description() const {
    const auto& credentials = agent_->credentials();
    return {PathKind::ice,
            {{"ufrag", credentials.fragment},
             {"pwd", credentials.password},
             {"fingerprint", certificate_.fingerprint_text()},
             {"sctp-port", std::to_string(kSctpPort)}}};
}

void IceConnection::gather() {
    resolve_ice_servers(executor_, parameters_.servers,
                        [weak = weak_from_this()](std::vector<IceServerAddress> servers) {
                            if (const auto self = weak.lock()) self->gather_with(std::move(servers));
                        });
}

void IceConnection::gather_with(std::vector<IceServerAddress> servers) {
    if (closed_) return;
    const auto started =
        agent_->gather({parameters_.role == LinkRole::initiator, rules_, local_addresses(rules_), std::move(servers)});
    if (!started) end(started.error());
}

result<void> IceConnection::set_remote_description(const core::ports::TransportDescription& description) {
    if (closed_ || expected_) return {};
    const auto& attributes = description.attributes;
    const auto credentials = parse_ice_credentials(attributes);
    const auto fingerprint = attributes.find("fingerprint");
    const auto port = attributes.find("sctp-port");
    if (!credentials || fingerprint == attributes.end()) return make_error_code(Errc::protocol_violation);
    const auto expected = parse_fingerprint(fingerprint->second);
    if (!expected) return make_error_code(Errc::protocol_violation);
    if (port != attributes.end() && port->second != std::to_string(kSctpPort))
        return make_error_code(Errc::unsupported);
    expected_ = *expected;
    agent_->set_remote_credentials(*credentials);
    for (auto early = std::exchange(early_candidates_, {}); !early.empty(); early.pop_front()) {
        add_remote_candidate(early.front());
    }
    if (remote_end_) agent_->remote_candidates_end();
    return {};
}

void IceConnection::add_remote_candidate(const core::ports::Candidate& candidate) {
    if (closed_) return;
    if (!expected_) {
        if (early_candidates_.size() < kMaxRemoteCandidates) early_candidates_.push_back(candidate);
        return;
    }
    const auto parsed = parse_ice_candidate(candidate, rules_);
    if (!parsed) {
        base::logger("ice")->debug("candidate not used: {}", parsed.error().message());
        return;
    }
    if (remote_candidates_++ >= kMaxRemoteCandidates) return;
    ice_failed_ = false;
    agent_->add_remote_candidate(*parsed);
}

void IceConnection::remote_candidates_end() {
    if (closed_ || std::exchange(remote_end_, true)) return;
    if (expected_) agent_->remote_candidates_end();
    boost::asio::post(executor_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->check_hopeless();
    });
}

void IceConnection::end_setup() {
    setup_ = nullptr;
    if (!open_) abort();
}

void IceConnection::on_ice_candidate(const IceCandidate& candidate) {
    if (setup_ != nullptr) setup_->on_local_candidate(encode_ice_candidate(candidate));
}

void IceConnection::on_ice_gathered() {
    gathered_ = true;
    if (setup_ != nullptr) setup_->on_local_candidates_end();
    check_hopeless();
}

void IceConnection::on_ice_selected(const IcePair& pair) {
    base::logger("ice")->debug("pair {} {} to {} {}", to_string(pair.local_type), pair.local,
                               to_string(pair.remote_type), pair.remote);
    ice_failed_ = false;
    start_dtls();
}

void IceConnection::on_ice_failed() {
    ice_failed_ = true;
    if (dtls_started_) return end(make_error_code(open_ ? Errc::timed_out : Errc::no_path));
    check_hopeless();
}

/// Failed checks are final only when neither side has more candidates to come.
void IceConnection::check_hopeless() {
    if (!closed_ && !dtls_started_ && ice_failed_ && remote_end_ && gathered_) end(make_error_code(Errc::no_path));
}

void IceConnection::start_dtls() {
    if (closed_ || !expected_ || std::exchange(dtls_started_, true)) return;
    dtls_->open(parameters_.role, certificate_, *expected_, *this);
}

void IceConnection::on_dtls_open() {
    sctp_->open(*this);
}

void IceConnection::on_dtls_closed(error_code reason) {
    end(reason);
}

void IceConnection::on_sctp_open() {
    open_ = true;
    if (setup_ != nullptr) setup_->on_open();
}

void IceConnection::on_sctp_message(core::ports::Lane lane, ByteView message) {
    if (handler_ != nullptr && backlog_.empty() && !delivering_) return handler_->on_message(lane, message);
    backlog_bytes_ += message.size();
    if (backlog_bytes_ > kMaxBacklog) return end(make_error_code(Errc::limit_exceeded));
    backlog_.push_back({lane, core::Bytes(message.begin(), message.end())});
}

void IceConnection::on_sctp_writable() {
    if (handler_ != nullptr) handler_->on_writable();
}

void IceConnection::on_sctp_closed(error_code reason) {
    end(reason);
}

void IceConnection::start(core::ports::MessagePath::Handler& handler) {
    handler_ = &handler;
    delivering_ = true;
    boost::asio::post(executor_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->deliver_backlog();
    });
}

void IceConnection::deliver_backlog() {
    while (!backlog_.empty() && handler_ != nullptr) {
        const auto message = std::move(backlog_.front());
        backlog_.pop_front();
        backlog_bytes_ -= message.bytes.size();
        handler_->on_message(message.lane, message.bytes);
    }
    delivering_ = false;
    if (ended_) tell_closed(*ended_);
}

void IceConnection::tell_closed(error_code reason) {
    if (auto* handler = std::exchange(handler_, nullptr)) handler->on_closed(reason);
}

/// Something below has ended, or the peer did. Tells whoever is to know, once.
void IceConnection::end(error_code reason) {
    const auto self = shared_from_this();
    if (closed_) return;
    base::logger("ice")->debug("ended: {}", reason.message());
    const bool was_open = open_;
    auto* setup = std::exchange(setup_, nullptr);
    auto* handler = handler_;
    abort();
    if (!was_open) {
        if (setup != nullptr) setup->on_setup_failed(reason);
        return;
    }
    handler_ = handler;
    ended_ = reason;
    if (!delivering_) tell_closed(reason);
}

void IceConnection::close() {
    handler_ = nullptr;
    if (closed_ || !open_) return abort();
    sctp_->shutdown();
    linger_.expires_after(kLinger);
    linger_.async_wait([self = shared_from_this()](const error_code&) { self->abort(); });
}

void IceConnection::abort() {
    if (std::exchange(closed_, true)) return;
    handler_ = nullptr;
    setup_ = nullptr;
    linger_.cancel();
    if (sctp_) sctp_->close();
    if (dtls_) dtls_->close();
    if (agent_) agent_->close();
}

core::ports::PathInfo IceConnection::info() const {
    core::ports::PathInfo info;
    info.kind = PathKind::ice;
    info.packet_size = sctp_packet_size(dtls_->mtu());
    const auto pair = agent_->selected();
    if (!pair) return info;
    if (pair->is_relayed()) info.kind = PathKind::ice_relayed;
    info.local_address = pair->local;
    info.remote_address = pair->remote;
    info.detail = std::string(to_string(pair->local_type)) + "/" + std::string(to_string(pair->remote_type)) + ", " +
                  dtls_->description() + ", SCTP" + (agent_->is_batched() ? ", batched datagrams" : "");
    return info;
}

core::ports::PathMetrics IceConnection::metrics() const {
    core::ports::PathMetrics metrics;
    metrics.bytes_sent = agent_->bytes_sent();
    metrics.bytes_received = agent_->bytes_received();
    metrics.rtt = sctp_->window().round_trip();
    return metrics;
}

}  // namespace tubes::transports
