// SPDX-License-Identifier: GPL-3.0-or-later
// The steps from an offer to open data channels, and the ways a session ends.
#include "transports/webrtc/web_connection.hpp"

#include <boost/asio/post.hpp>

#include <utility>

#include "transports/ice/server_resolver.hpp"
#include "tubes/base/log.hpp"

namespace tubes::transports {
namespace {

using core::LinkRole;
using core::ports::TransportDescription;

constexpr std::size_t kMaxRemoteCandidates = 32;

/// What the broker owns.
class OwnedWebConnection final : public core::ports::WebConnection {
public:
    explicit OwnedWebConnection(std::shared_ptr<transports::WebConnection> connection)
        : connection_(std::move(connection)) {}
    ~OwnedWebConnection() override { connection_->close(Errc::broken); }
    OwnedWebConnection(const OwnedWebConnection&) = delete;
    OwnedWebConnection& operator=(const OwnedWebConnection&) = delete;

    TransportDescription description() const override { return connection_->description(); }
    void start() override { connection_->start(); }
    void add_remote_candidate(const core::ports::Candidate& candidate) override {
        connection_->add_remote_candidate(candidate);
    }
    core::ports::PathInfo info() const override { return connection_->info(); }
    core::ports::PathMetrics metrics() const override { return connection_->metrics(); }
    void close(Errc reason) override { connection_->close(reason); }

private:
    std::shared_ptr<transports::WebConnection> connection_;
};

}  // namespace

result<std::shared_ptr<WebConnection>> WebConnection::create(boost::asio::any_io_executor executor,
                                                             const core::ports::AttemptParameters& parameters,
                                                             const AddressRules& rules, const core::TubeId& tube,
                                                             const TransportDescription& remote, Handler& handler) {
    std::shared_ptr<WebConnection> created(new WebConnection(std::move(executor), parameters, rules, handler));
    auto agent = IceAgent::create(created->executor_, false, *created);
    if (!agent) return agent.error();
    created->agent_ = std::move(*agent);
    if (const auto taken = created->take_description(remote); !taken) return taken.error();
    created->dtls_ = DtlsSession::create(created->executor_, *created->agent_);
    created->channels_ = DataChannels::create(created->executor_, *created->dtls_, tube, *created);
    return created;
}

WebConnection::WebConnection(boost::asio::any_io_executor executor, core::ports::AttemptParameters parameters,
                             const AddressRules& rules, Handler& handler)
    : executor_(std::move(executor)),
      parameters_(std::move(parameters)),
      rules_(rules),
      handler_(&handler),
      certificate_(Certificate::generate()) {
    rules_.policy = parameters_.addresses;
}

WebConnection::~WebConnection() {
    close(Errc::broken);
}

result<void> WebConnection::take_description(const TransportDescription& remote) {
    const auto get = [&remote](const char* name) {
        const auto found = remote.attributes.find(name);
        return found == remote.attributes.end() ? std::string() : found->second;
    };
    const auto credentials = parse_ice_credentials(remote.attributes);
    const auto expected = parse_fingerprint(get("fingerprint"));
    const auto setup = get("setup");
    const bool known_setup = setup == "actpass" || setup == "active" || setup == "passive";
    if (!credentials || !expected || !known_setup) return make_error_code(Errc::protocol_violation);
    if (get("sctp-port") != std::to_string(kSctpPort)) return make_error_code(Errc::unsupported);
    expected_ = *expected;
    // RFC 8842 §5.3: who answers an "actpass" begins, if it can.
    dtls_role_ = setup == "active" ? LinkRole::responder : LinkRole::initiator;
    agent_->set_remote_credentials(*credentials);
    return {};
}

TransportDescription WebConnection::description() const {
    const auto& credentials = agent_->credentials();
    return {PathKind::ice,
            {{"ufrag", credentials.fragment},
             {"pwd", credentials.password},
             {"fingerprint", certificate_.fingerprint_text()},
             {"setup", dtls_role_ == LinkRole::initiator ? "active" : "passive"},
             {"sctp-port", std::to_string(kSctpPort)}}};
}

void WebConnection::start() {
    resolve_ice_servers(executor_, parameters_.servers,
                        [weak = weak_from_this()](std::vector<IceServerAddress> servers) {
                            const auto self = weak.lock();
                            if (!self || self->closed_) return;
                            IceAgentSettings settings;
                            settings.rules = self->rules_;
                            settings.local = local_addresses(self->rules_);
                            settings.servers = std::move(servers);
                            // A browser may select another pair at any time; only a full agent follows.
                            settings.batches = false;
                            const auto started = self->agent_->gather(settings);
                            if (!started) self->end(started.error());
                        });
}

void WebConnection::add_remote_candidate(const core::ports::Candidate& candidate) {
    if (closed_) return;
    const auto parsed = parse_ice_candidate(candidate, rules_);
    if (!parsed) {
        // Among them the names that browsers put in place of their addresses (".local").
        base::logger("webrtc")->debug("candidate not used: {}", parsed.error().message());
        return;
    }
    if (remote_candidates_++ < kMaxRemoteCandidates) agent_->add_remote_candidate(*parsed);
}

void WebConnection::on_ice_candidate(const IceCandidate& candidate) {
    if (!closed_) handler_->on_web_candidate(encode_ice_candidate(candidate));
}

void WebConnection::on_ice_selected(const IcePair& pair) {
    if (closed_ || std::exchange(dtls_started_, true)) return;
    base::logger("webrtc")->debug("pair {} to {}", pair.local, pair.remote);
    dtls_->open(dtls_role_, certificate_, expected_, *this);
}

/// Before a pair was selected, candidates may still come: the broker's deadline decides.
void WebConnection::on_ice_failed() {
    if (dtls_started_) end(make_error_code(Errc::timed_out));
}

void WebConnection::on_dtls_open() {
    if (!closed_) channels_->open();
}

void WebConnection::on_channels_open() {
    if (!closed_) handler_->on_web_open();
}

void WebConnection::on_channel(std::shared_ptr<core::Stream> stream) {
    if (!closed_) handler_->on_web_stream(std::move(stream));
}

void WebConnection::end(error_code reason) {
    const auto self = shared_from_this();
    if (closed_) return;
    base::logger("webrtc")->debug("ended: {}", reason.message());
    auto* handler = handler_;
    close(Errc::broken);
    handler->on_web_closed(reason);
}

void WebConnection::close(Errc reason) {
    if (std::exchange(closed_, true)) return;
    if (channels_) channels_->close(reason);
    if (dtls_) dtls_->close();
    if (agent_) agent_->close();
}

core::ports::PathInfo WebConnection::info() const {
    core::ports::PathInfo info;
    info.kind = PathKind::ice;
    const auto pair = agent_->selected();
    if (!pair) return info;
    if (pair->is_relayed()) info.kind = PathKind::ice_relayed;
    info.local_address = pair->local;
    info.remote_address = pair->remote;
    info.detail = "WebRTC, " + std::string(to_string(pair->local_type)) + "/" +
                  std::string(to_string(pair->remote_type)) + ", " + dtls_->description();
    return info;
}

core::ports::PathMetrics WebConnection::metrics() const {
    core::ports::PathMetrics metrics;
    metrics.bytes_sent = agent_->bytes_sent();
    metrics.bytes_received = agent_->bytes_received();
    metrics.rtt = channels_->association().window().round_trip();
    return metrics;
}

result<std::unique_ptr<core::ports::WebConnection>> WebRtcTransport::answer(
    const core::ports::AttemptParameters& parameters, const core::TubeId& tube, const TransportDescription& remote,
    core::ports::WebConnection::Handler& handler) {
    auto created = WebConnection::create(executor_, parameters, rules_, tube, remote, handler);
    if (!created) return created.error();
    return std::unique_ptr<core::ports::WebConnection>(std::make_unique<OwnedWebConnection>(std::move(*created)));
}

}  // namespace tubes::transports
