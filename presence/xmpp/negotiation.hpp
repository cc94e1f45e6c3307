// SPDX-License-Identifier: GPL-3.0-or-later
// From an open connection to a bound or resumed stream, without input or output.
// Spec: RFC 6120 §4.3 (order), §5 STARTTLS, §6 SASL, §7 binding; XEP-0198 §3 and §5.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "presence/xmpp/address.hpp"
#include "presence/xmpp/mechanisms.hpp"
#include "presence/xmpp/stream_management.hpp"
#include "presence/xmpp/xml.hpp"

namespace tubes::presence::xmpp {

/// What the negotiation is for.
struct NegotiationOptions {
    Jid account;           ///< Bare.
    std::string resource;  ///< Asked for; the server may give another.
    bool allow_plain = false;
    std::string floor;    ///< No mechanism weaker than this one.
    bool secure = false;  ///< TLS is already established (XEP-0368).
};

/// What came out of it.
struct NegotiationOutcome {
    Jid bound;  ///< Our full address; empty if the stream was resumed and keeps its own.
    bool resumed = false;
    std::string mechanism;           ///< Used now.
    std::string strongest;           ///< Offered; to be remembered.
    std::set<std::string> features;  ///< Namespaces of the last <stream:features/>.
};

/// Tells its driver what to do next; the driver feeds elements back.
class Negotiation {
public:
    class Driver {
    public:
        /// A new XML stream: forget the parser, send our header.
        virtual void restart_stream() = 0;
        virtual void write(const Element& element) = 0;
        /// Then on_secured().
        virtual void start_tls() = 0;
        virtual ChannelBinding channel_binding() = 0;
        /// Then on_password(), later.
        virtual void ask_password() = 0;
        virtual void on_negotiated(const NegotiationOutcome& outcome) = 0;
        /// Errc::authentication_failed, Errc::protocol_violation, Errc::unsupported, Errc::refused.
        virtual void on_negotiation_failed(Errc reason, const std::string& detail) = 0;

    protected:
        ~Driver() = default;
    };

    Negotiation(NegotiationOptions options, StreamManagement& management, Driver& driver);

    /// The connection is open (and encrypted, with `secure`).
    void start();
    void on_secured();
    /// A top-level element; the stream's header too.
    void on_element(const Element& element);
    void on_password(const std::string& password);

private:
    enum class State : std::uint8_t {
        idle,          ///< Before start().
        header,        ///< Our header is out, theirs is awaited.
        features,      ///< Their <stream:features/> are awaited.
        starting_tls,  ///< <proceed/> is awaited.
        securing,      ///< TLS is being negotiated.
        password,      ///< The password is being fetched.
        challenge,     ///< SASL is under way.
        resuming,      ///< <resumed/> or <failed/> is awaited.
        binding,       ///< The bound address is awaited.
        enabling,      ///< <enabled/> or <failed/> is awaited.
        done,          ///< Nothing more to do.
    };

    void on_features(const Element& features);
    void offer_tls(const Element& features);
    void choose(const Element& features);
    void on_tls_answer(const Element& element);
    void on_sasl(const Element& element);
    void on_challenge(const Element& element);
    void on_success(const Element& element);
    void on_sasl_failure(const Element& failure);
    void on_authenticated_features(const Element& features);
    void on_resume_answer(const Element& element);
    void bind();
    void on_bound(const Element& iq);
    void on_enable_answer(const Element& element);
    void restart();
    void finish();
    void fail(Errc reason, const std::string& detail);

    NegotiationOptions options_;
    StreamManagement& management_;
    Driver& driver_;
    State state_ = State::idle;
    bool secure_ = false;
    bool authenticated_ = false;
    ChosenMechanism chosen_;
    std::unique_ptr<Scram> scram_;
    bool proven_ = false;  // the server has proved that it knows the password
    std::string bind_id_;
    NegotiationOutcome outcome_;
};

}  // namespace tubes::presence::xmpp
