// SPDX-License-Identifier: GPL-3.0-or-later
// Replaces servers, keeps their forwarders as long as the attempt.
#include "transports/turn_tls/forwarding_transport.hpp"

#include <vector>

#include "transports/turn_tls/turn_forwarder.hpp"

namespace tubes::transports {

namespace {

using core::ports::AttemptParameters;
using core::ports::Candidate;
using core::ports::IceServer;
using core::ports::PathAttempt;
using core::ports::TransportDescription;
using Forwarders = std::vector<std::unique_ptr<TurnForwarder>>;

class ForwardedAttempt final : public PathAttempt {
public:
    ForwardedAttempt(std::unique_ptr<PathAttempt> inner, Forwarders forwarders)
        : forwarders_(std::move(forwarders)), inner_(std::move(inner)) {}

    void start(Handler& handler) override { inner_->start(handler); }
    void set_remote_description(const TransportDescription& description) override {
        inner_->set_remote_description(description);
    }
    void add_remote_candidate(const Candidate& candidate) override { inner_->add_remote_candidate(candidate); }
    void remote_candidates_end() override { inner_->remote_candidates_end(); }
    void close() override { inner_->close(); }

private:
    Forwarders forwarders_;
    std::unique_ptr<PathAttempt> inner_;
};

}  // namespace

ForwardingTransport::ForwardingTransport(boost::asio::any_io_executor executor, base::Proxy proxy,
                                         std::unique_ptr<Transport> inner)
    : executor_(std::move(executor)), proxy_(std::move(proxy)), inner_(std::move(inner)) {}

std::unique_ptr<PathAttempt> ForwardingTransport::make_attempt(AttemptParameters parameters) {
    Forwarders forwarders;
    std::vector<IceServer> servers;
    for (const auto& server : parameters.servers) {
        const bool secure = server.scheme == IceServer::Scheme::turn_tls;
        const bool behind_proxy = server.scheme == IceServer::Scheme::turn_tcp && proxy_.applies_to(server.host);
        if (!secure && !behind_proxy) {
            servers.push_back(server);
        } else if (auto forwarder = TurnForwarder::make(executor_, proxy_, server)) {
            servers.push_back(forwarder->local_server());
            forwarders.push_back(std::move(forwarder));
        }
    }
    parameters.servers = std::move(servers);
    auto attempt = inner_->make_attempt(std::move(parameters));
    if (!attempt || forwarders.empty()) return attempt;
    return std::make_unique<ForwardedAttempt>(std::move(attempt), std::move(forwarders));
}

}  // namespace tubes::transports
