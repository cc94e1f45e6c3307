// SPDX-License-Identifier: GPL-3.0-or-later
// One session with a foreign peer: ICE, DTLS and data channels, from its offer to the end.
// Spec: RFC 8445, RFC 8842 (roles), RFC 8261, RFC 8831.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <deque>
#include <memory>

#include "transports/dtls/dtls_session.hpp"
#include "transports/ice/ice_agent.hpp"
#include "transports/webrtc/data_channels.hpp"
#include "tubes/core/ports/web_transport.hpp"

namespace tubes::transports {

/// The peer controls ICE. Its certificate has to be the announced one; DTLS 1.2. Lives on one loop, and as long as
/// somebody holds it.
class WebConnection final : public std::enable_shared_from_this<WebConnection>,
                            private IceAgent::Events,
                            private DtlsSession::Events,
                            private DataChannels::Events {
public:
    using Handler = core::ports::WebConnection::Handler;

    /// Errors as core::ports::WebTransport::answer.
    static result<std::shared_ptr<WebConnection>> create(boost::asio::any_io_executor executor,
                                                         const core::ports::AttemptParameters& parameters,
                                                         const AddressRules& rules, const core::TubeId& tube,
                                                         const core::ports::TransportDescription& remote,
                                                         Handler& handler);
    ~WebConnection();

    core::ports::TransportDescription description() const;
    void start();
    void add_remote_candidate(const core::ports::Candidate& candidate);
    core::ports::PathInfo info() const;
    core::ports::PathMetrics metrics() const;
    void close(Errc reason);

private:
    WebConnection(boost::asio::any_io_executor executor, core::ports::AttemptParameters parameters,
                  const AddressRules& rules, Handler& handler);
    result<void> take_description(const core::ports::TransportDescription& remote);

    void on_ice_candidate(const IceCandidate& candidate) override;
    void on_ice_gathered() override {}
    void on_ice_selected(const IcePair& pair) override;
    void on_ice_failed() override;
    void on_dtls_open() override;
    void on_dtls_closed(error_code reason) override { end(reason); }
    void on_channels_open() override;
    void on_channel(std::shared_ptr<core::Stream> stream) override;
    void on_channels_closed(error_code reason) override { end(reason); }
    void end(error_code reason);

    boost::asio::any_io_executor executor_;
    core::ports::AttemptParameters parameters_;
    AddressRules rules_;
    Handler* handler_;
    Certificate certificate_;
    core::Digest expected_;
    core::LinkRole dtls_role_ = core::LinkRole::initiator;
    std::shared_ptr<IceAgent> agent_;
    std::shared_ptr<DtlsSession> dtls_;
    std::shared_ptr<DataChannels> channels_;
    std::size_t remote_candidates_ = 0;
    bool dtls_started_ = false;
    bool closed_ = false;
};

/// The port's transport. `rules` as for IceTransport.
class WebRtcTransport final : public core::ports::WebTransport {
public:
    WebRtcTransport(boost::asio::any_io_executor executor, AddressRules rules)
        : executor_(std::move(executor)), rules_(rules) {}

    result<std::unique_ptr<core::ports::WebConnection>> answer(const core::ports::AttemptParameters& parameters,
                                                               const core::TubeId& tube,
                                                               const core::ports::TransportDescription& remote,
                                                               core::ports::WebConnection::Handler& handler) override;

private:
    boost::asio::any_io_executor executor_;
    AddressRules rules_;
};

}  // namespace tubes::transports
