// SPDX-License-Identifier: GPL-3.0-or-later
// One log-in and what follows on its TCP connection: connects, negotiates, then carries stanzas and keeps count.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "presence/xmpp/connector.hpp"
#include "presence/xmpp/negotiation.hpp"
#include "presence/xmpp/secure_stream.hpp"
#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {

/// Gives the password, or an error, exactly once; on any thread.
using PasswordProvider = std::function<void(std::function<void(result<std::string>)>)>;

struct SessionOptions {
    ConnectPlan plan;
    TlsOptions tls;
    NegotiationOptions negotiation;
    PasswordProvider password;
    StanzaLimits limits;
    std::chrono::milliseconds login_timeout{30000};
    std::chrono::milliseconds keepalive_interval{60000};  ///< Silence after which the server is pinged (XEP-0199).
    std::chrono::milliseconds keepalive_timeout{15000};   ///< Further silence after which the connection is dead.
};

/// Lives on one loop. Ends exactly once; the next attempt is a new session with the same StreamManagement.
class Session final : public std::enable_shared_from_this<Session>,
                      private SecureStream::Handler,
                      private Negotiation::Driver {
public:
    class Handler {
    public:
        virtual void on_session_ready(const NegotiationOutcome& outcome) = 0;
        virtual void on_stanza(const Element& stanza) = 0;
        /// No error after close().
        virtual void on_session_ended(error_code reason, const std::string& detail) = 0;

    protected:
        ~Handler() = default;
    };

    Session(boost::asio::any_io_executor executor, SessionOptions options, StreamManagement& management,
            Handler& handler);

    void start();
    /// A stanza, counted and kept until the server acknowledges it. Only after on_session_ready().
    void send(const Element& stanza);
    void send_text(const std::string& stanza);
    /// Writes again what the server of the resumed stream has not acknowledged.
    void resend_unacknowledged();
    /// The network changed: the server has to answer within `limit`, or the session ends with Errc::timed_out.
    void check_alive(std::chrono::milliseconds limit);
    /// Ends the stream in good order; on_session_ended() follows within `limit`.
    void close(std::chrono::milliseconds limit);
    /// Drops the connection without a word; no callback follows.
    void abort();

    bool is_ready() const noexcept { return ready_; }
    /// "xmpp.example.org port 5222".
    std::string server() const;
    /// "TLS 1.3, TLS_AES_256_GCM_SHA384, SCRAM-SHA-256".
    std::string security() const;

private:
    void on_connected(boost::asio::ip::tcp::socket socket, const Target& target, const Failure& failure);
    void on_bytes(std::string_view bytes) override;
    void on_secured() override;
    void on_closed(error_code reason, const std::string& detail) override;
    void restart_stream() override;
    void write(const Element& element) override;
    void start_tls() override;
    ChannelBinding channel_binding() override;
    void ask_password() override;
    void on_negotiated(const NegotiationOutcome& outcome) override;
    void on_negotiation_failed(Errc reason, const std::string& detail) override;

    void on_element(const Element& element);
    void on_skipped();
    void on_stream_error(const Element& error);
    void on_management(const Element& element);
    void arm_login_deadline();
    void arm_keepalive(std::chrono::milliseconds wait);
    void on_keepalive();
    void ping_server();
    void ask_for_acknowledgement();
    void end(error_code reason, const std::string& detail);

    boost::asio::any_io_executor executor_;
    SessionOptions options_;
    StreamManagement& management_;
    Handler* handler_;
    boost::asio::steady_timer deadline_;
    boost::asio::steady_timer keepalive_;
    std::shared_ptr<Connector> connector_;
    std::shared_ptr<SecureStream> stream_;
    std::shared_ptr<XmlStream> xml_;
    std::unique_ptr<Negotiation> negotiation_;
    Target target_;
    std::string mechanism_;
    bool ready_ = false;
    bool closing_ = false;
    bool heard_ = false;  // bytes came since the last keep-alive tick
    bool pinged_ = false;
};

}  // namespace tubes::presence::xmpp
