// SPDX-License-Identifier: GPL-3.0-or-later
// One session of a foreign peer as the broker sees it, from its request to its end.
// Spec: docs/protocol.md, "Foreign peers".
#pragma once

#include <optional>

#include "tubes/core/ports/scheduler.hpp"
#include "tubes/core/ports/web_signaling.hpp"
#include "tubes/core/ports/web_transport.hpp"
#include "tubes/core/tube/broker.hpp"

namespace tubes::core {

/// Decides nothing: policies and tubes are the broker's. Lives on the loop.
class WebSession final : private ports::WebConnection::Handler {
public:
    /// Told on the loop; may not destroy the session inside a call.
    class Owner {
    public:
        virtual void send_web_signal(WebSession& session, ports::WebSignal signal) = 0;
        virtual void on_web_session_open(WebSession& session) = 0;
        virtual void on_web_session_stream(WebSession& session, std::shared_ptr<Stream> stream) = 0;
        virtual void on_web_session_ended(WebSession& session, Errc reason) = 0;

    protected:
        ~Owner() = default;
    };

    /// Who asked for what.
    struct Origin {
        LinkId id;    ///< Ours, for tables and status.
        TubeId tube;  ///< The one tube of the session.
        ports::AccountName account;
        PeerAddress peer;
        bool listed = false;  ///< Presence showed the peer when it began.
        AddressPolicy addresses = AddressPolicy::relay_only;
    };

    WebSession(Origin origin, const ports::WebSignal& signal, const ports::WebInitiate& initiate, Owner& owner);
    ~WebSession();

    const Origin& origin() const noexcept { return origin_; }
    const std::string& name() const noexcept { return name_; }
    const std::string& service() const noexcept { return service_; }
    bool is_open() const noexcept { return open_; }

    void tell(decltype(ports::WebSignal::action) action);
    /// The request is granted: answers over `transport`. Errors as ports::WebTransport::answer.
    result<void> accept(ports::WebTransport& transport, std::vector<ports::IceServer> servers);
    void add_candidates(const std::vector<ports::Candidate>& candidates);
    /// Ends it; tells nobody.
    void close(Errc reason);
    LinkReport report() const;

    std::unique_ptr<ports::Scheduler::Timer> deadline;  ///< From acceptance to an open connection.

private:
    void on_web_candidate(const ports::Candidate& candidate) override;
    void on_web_open() override;
    void on_web_stream(std::shared_ptr<Stream> stream) override;
    void on_web_closed(error_code reason) override;

    Origin origin_;
    std::string name_;
    std::string content_;
    std::string service_;
    ports::TransportDescription remote_;
    std::vector<ports::Candidate> early_;  ///< Candidates that came before acceptance.
    std::size_t candidates_ = 0;
    Owner& owner_;
    std::unique_ptr<ports::WebConnection> connection_;
    bool open_ = false;
};

}  // namespace tubes::core
