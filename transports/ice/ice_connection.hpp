// SPDX-License-Identifier: GPL-3.0-or-later
// ICE, DTLS and SCTP joined: from credentials to messages.
// Spec: RFC 8261 (SCTP over DTLS over ICE); RFC 8831 §6.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <optional>

#include "transports/crypto/certificate.hpp"
#include "transports/dtls/dtls_session.hpp"
#include "transports/ice/ice_agent.hpp"
#include "transports/sctp/sctp_association.hpp"
#include "tubes/core/ports/message_path.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// Shared by the attempt that sets it up and the path that uses it. DTLS starts as soon as one pair works, SCTP at once
/// from both ends after it. Lives on one loop.
class IceConnection final : public std::enable_shared_from_this<IceConnection>,
                            private IceAgent::Events,
                            private DtlsSession::Events,
                            private SctpAssociation::Handler {
public:
    /// Told from posted calls or events, never inside a call.
    class SetupEvents {
    public:
        virtual void on_local_candidate(const core::ports::Candidate& candidate) = 0;
        virtual void on_local_candidates_end() = 0;
        virtual void on_open() = 0;
        /// Not after on_open.
        virtual void on_setup_failed(error_code reason) = 0;

    protected:
        ~SetupEvents() = default;
    };

    /// Errc::internal without resources.
    static result<std::shared_ptr<IceConnection>> create(boost::asio::any_io_executor executor,
                                                         const core::ports::AttemptParameters& parameters,
                                                         const AddressRules& rules, SetupEvents& events);
    ~IceConnection();

    core::ports::TransportDescription description() const;
    void gather();
    /// Errc::protocol_violation or Errc::unsupported if the description is none of ours.
    result<void> set_remote_description(const core::ports::TransportDescription& description);
    void add_remote_candidate(const core::ports::Candidate& candidate);
    void remote_candidates_end();
    /// The attempt is over; an open connection lives on for its path, any other closes.
    void end_setup();

    /// For the path: what came before is delivered first.
    void start(core::ports::MessagePath::Handler& handler);
    bool send(core::ports::Lane lane, ByteView header, ByteView payload) { return sctp_->send(lane, header, payload); }
    void flush() { sctp_->flush(); }
    const core::Digest& channel_binding() const noexcept { return dtls_->channel_binding(); }
    core::ports::PathInfo info() const;
    core::ports::PathMetrics metrics() const;
    /// In order, within 2 s; keeps itself alive meanwhile. No callback follows. Idempotent.
    void close();
    /// At once. Idempotent.
    void abort();

private:
    struct Message {
        core::ports::Lane lane;
        core::Bytes bytes;
    };

    IceConnection(boost::asio::any_io_executor executor, core::ports::AttemptParameters parameters,
                  const AddressRules& rules, SetupEvents& events);

    void on_ice_candidate(const IceCandidate& candidate) override;
    void on_ice_gathered() override;
    void on_ice_selected(const IcePair& pair) override;
    void on_ice_failed() override;
    void on_dtls_open() override;
    void on_dtls_closed(error_code reason) override;
    void on_sctp_open() override;
    void on_sctp_message(core::ports::Lane lane, ByteView message) override;
    void on_sctp_writable() override;
    void on_sctp_closed(error_code reason) override;

    void gather_with(std::vector<IceServerAddress> servers);
    void start_dtls();
    void check_hopeless();
    void end(error_code reason);
    void deliver_backlog();
    void tell_closed(error_code reason);

    boost::asio::any_io_executor executor_;
    core::ports::AttemptParameters parameters_;
    AddressRules rules_;
    SetupEvents* setup_;
    core::ports::MessagePath::Handler* handler_ = nullptr;
    Certificate certificate_;
    std::shared_ptr<IceAgent> agent_;
    std::shared_ptr<DtlsSession> dtls_;
    std::shared_ptr<SctpAssociation> sctp_;
    std::optional<core::Digest> expected_;
    std::deque<core::ports::Candidate> early_candidates_;
    std::size_t remote_candidates_ = 0;
    bool remote_end_ = false;
    bool gathered_ = false;
    bool ice_failed_ = false;
    bool dtls_started_ = false;
    bool open_ = false;
    bool delivering_ = false;
    bool closed_ = false;
    std::deque<Message> backlog_;
    std::size_t backlog_bytes_ = 0;
    std::optional<error_code> ended_;  ///< Why, when nobody could be told yet.
    boost::asio::steady_timer linger_;
};

}  // namespace tubes::transports
