// SPDX-License-Identifier: GPL-3.0-or-later
// Listens to the inner attempt's candidates; paths keep the mappings that they may run over.
#include "transports/port_mapping/mapping_transport.hpp"

#include <vector>

#include "transports/addresses/address_rules.hpp"
#include "transports/direct_tls/candidates.hpp"
#include "transports/ice/ice_candidate.hpp"

namespace tubes::transports {
namespace {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using core::ports::AttemptParameters;
using core::ports::Candidate;
using core::ports::MessagePath;
using core::ports::PathAttempt;
using core::ports::TransportDescription;
using Leases = std::vector<std::unique_ptr<PortMapper::Lease>>;

/// RFC 8445 §5.1.2.1: type preference 100 of server-reflexive candidates, the highest local preference, component 1.
constexpr std::uint32_t kMappedPriority = 100u << 24 | 65535u << 8 | 255u;

/// A port of this machine that could be led in, and the candidate that it would become.
struct Entrance {
    MappedProtocol protocol = MappedProtocol::udp;
    udp::endpoint local;

    Candidate outside(const udp::endpoint& mapped) const {
        if (protocol == MappedProtocol::tcp) return to_candidate(tcp::endpoint(mapped.address(), mapped.port()));
        return encode_ice_candidate(
            {IceCandidateType::server_reflexive, "mapped", kMappedPriority, mapped.address(), mapped.port()});
    }
};

std::optional<Entrance> entrance_of(const Candidate& candidate) {
    std::optional<Entrance> found;
    if (candidate.kind == PathKind::direct_tls) {
        if (const auto named = parse_tls_candidate(candidate))
            found = {MappedProtocol::tcp, udp::endpoint(named->address(), named->port())};
    } else if (const auto named = parse_ice_candidate(candidate, AddressRules{});
               named && named->type == IceCandidateType::host) {
        found = {MappedProtocol::udp, udp::endpoint(named->address, named->port)};
    }
    const bool is_behind = found && found->local.address().is_v4() && is_private(found->local.address());
    return is_behind ? found : std::nullopt;
}

class MappedPath final : public MessagePath {
public:
    MappedPath(std::unique_ptr<MessagePath> inner, std::shared_ptr<Leases> leases)
        : leases_(std::move(leases)), inner_(std::move(inner)) {}

    void start(Handler& handler) override { inner_->start(handler); }
    bool send(core::ports::Lane lane, core::ByteView header, core::ByteView payload) override {
        return inner_->send(lane, header, payload);
    }
    void flush() override { inner_->flush(); }
    const core::Digest& channel_binding() const override { return inner_->channel_binding(); }
    core::ports::PathInfo info() const override { return inner_->info(); }
    core::ports::PathMetrics metrics() const override { return inner_->metrics(); }
    void close() override { inner_->close(); }

private:
    std::shared_ptr<Leases> leases_;
    std::unique_ptr<MessagePath> inner_;
};

class MappedAttempt final : public PathAttempt, private PathAttempt::Handler {
public:
    MappedAttempt(std::shared_ptr<PortMapper> mapper, std::unique_ptr<PathAttempt> inner)
        : mapper_(std::move(mapper)), inner_(std::move(inner)) {}

    void start(PathAttempt::Handler& handler) override {
        handler_ = &handler;
        inner_->start(*this);
    }
    void set_remote_description(const TransportDescription& description) override {
        inner_->set_remote_description(description);
    }
    void add_remote_candidate(const Candidate& candidate) override { inner_->add_remote_candidate(candidate); }
    void remote_candidates_end() override { inner_->remote_candidates_end(); }
    void close() override {
        handler_ = nullptr;
        inner_->close();
        leases_ = nullptr;
    }

private:
    void on_description(const TransportDescription& description) override {
        if (handler_ != nullptr) handler_->on_description(description);
    }
    void on_candidate(const Candidate& candidate) override {
        if (const auto entrance = entrance_of(candidate); entrance && leases_) map(*entrance);
        if (handler_ != nullptr) handler_->on_candidate(candidate);
    }
    void on_candidates_end() override {
        ended_ = true;
        end_when_known();
    }
    void on_path(std::unique_ptr<MessagePath> path) override {
        if (handler_ == nullptr) return;
        handler_->on_path(std::make_unique<MappedPath>(std::move(path), leases_));
    }
    void on_failed(error_code reason) override {
        leases_ = nullptr;
        if (auto* handler = std::exchange(handler_, nullptr)) handler->on_failed(reason);
    }

    void map(const Entrance& entrance) {
        auto lease = mapper_->map(entrance.protocol, entrance.local.address(), entrance.local.port(),
                                  [weak = std::weak_ptr(alive_), this, entrance](result<udp::endpoint> outcome) {
                                      if (!weak.expired()) on_mapped(entrance, outcome);
                                  });
        if (!lease) return;
        ++waiting_;
        leases_->push_back(std::move(lease));
    }

    void on_mapped(const Entrance& entrance, const result<udp::endpoint>& outcome) {
        const std::weak_ptr<char> weak = alive_;
        --waiting_;
        if (outcome && handler_ != nullptr) handler_->on_candidate(entrance.outside(*outcome));
        if (!weak.expired()) end_when_known();
    }

    /// The peer may give up once it has tried all candidates: that there are no more is said when no answer is due.
    void end_when_known() {
        if (!ended_ || waiting_ != 0 || handler_ == nullptr) return;
        ended_ = false;
        handler_->on_candidates_end();
    }

    std::shared_ptr<PortMapper> mapper_;
    std::shared_ptr<Leases> leases_ = std::make_shared<Leases>();
    std::shared_ptr<char> alive_ = std::make_shared<char>();
    PathAttempt::Handler* handler_ = nullptr;
    std::unique_ptr<PathAttempt> inner_;
    int waiting_ = 0;
    bool ended_ = false;
};

}  // namespace

MappingTransport::MappingTransport(std::shared_ptr<PortMapper> mapper, std::unique_ptr<Transport> inner)
    : mapper_(std::move(mapper)), inner_(std::move(inner)) {}

std::unique_ptr<PathAttempt> MappingTransport::make_attempt(AttemptParameters parameters) {
    const bool may_tell = parameters.addresses == AddressPolicy::all;
    auto attempt = inner_->make_attempt(std::move(parameters));
    if (!attempt || !may_tell) return attempt;
    return std::make_unique<MappedAttempt>(mapper_, std::move(attempt));
}

}  // namespace tubes::transports
