// SPDX-License-Identifier: GPL-3.0-or-later
// The XMPP protocol: one account on a server, with contacts, presence, signals and its servers for ICE.
// Spec: RFC 6120, RFC 6121, RFC 7622; the XEPs are listed in ARCHITECTURE.md.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tubes/base/proxy.hpp"
#include "tubes/core/ports/connection.hpp"

namespace tubes::presence::xmpp {

/// Times that tests shorten. Defaults are for people's networks.
struct XmppTimings {
    std::chrono::milliseconds connect{20000};             ///< For resolving and connecting.
    std::chrono::milliseconds login{30000};               ///< For everything until the stream is bound.
    std::chrono::milliseconds request{30000};             ///< For the server's answers (contact list, services).
    std::chrono::milliseconds keepalive_interval{60000};  ///< Silence after which the server is pinged.
    std::chrono::milliseconds keepalive_timeout{15000};   ///< Further silence after which the connection is given up.
    std::chrono::milliseconds check{3000};                ///< The same after the machine's network has changed.
    std::chrono::milliseconds first_retry{1000};          ///< Before the first reconnection; doubled for each further.
    std::chrono::milliseconds last_retry{60000};          ///< Never longer. Each wait is shortened by up to half.
    std::chrono::milliseconds logout{2000};               ///< For a log-out in good order.
};

/// An account and how to reach its server.
struct XmppConfiguration {
    /// Gives the password, or an error, exactly once; may be called from any thread, now or later.
    using PasswordReceiver = std::function<void(result<std::string>)>;

    std::string address;                             ///< "alice@example.org"; prepared here.
    std::function<void(PasswordReceiver)> password;  ///< Asked at every log-in; the connection keeps no password.
    std::string host;                                ///< Server to dial instead of asking DNS, or empty.
    std::uint16_t port = 0;                          ///< With `host`; 0: 5222, or 5223 with direct_tls.
    bool direct_tls = false;                         ///< With `host`: TLS from the first byte (XEP-0368).
    std::string ca_file;                             ///< PEM authorities instead of the system's, or empty.
    std::string pinned_certificate;                  ///< SHA-256 of the server's certificate in hexadecimal (colons
                                                     ///< allowed): accept this one and no other; or empty.
    bool allow_plain = false;          ///< Send the password itself, over TLS, if the server knows nothing better.
    std::string remembered_mechanism;  ///< What on_mechanism was told last; nothing weaker is accepted.
    std::function<void(const std::string&)> on_mechanism;  ///< The strongest mechanism seen, to be stored.
    std::string resource;                                  ///< Empty: "tube-<random>".
    int priority = -1;         ///< Presence priority, -128..127; below 0 no chat comes here.
    bool retry_first = false;  ///< Keep trying if the network is not there at the start.
    base::Proxy proxy;         ///< On the way to the server.
    std::string dns_servers;   ///< "address[:port],..." instead of the system's, or empty.
    XmppTimings timings;
};

/// A connection that lives on `executor`, which runs one thread or is a strand. Errc::invalid_argument, and why in
/// `detail`, for a malformed address, fingerprint, priority or resource; nothing is contacted before start().
///
/// on_state(offline) comes with Errc::authentication_failed (never retried), Errc::certificate_rejected,
/// Errc::network_unreachable, Errc::timed_out, Errc::not_found (the server does not serve the domain),
/// Errc::unsupported (no encryption) and a sentence for people. Once it was online, everything but
/// Errc::authentication_failed is retried.
result<std::unique_ptr<core::ports::Connection>> make_xmpp_connection(boost::asio::any_io_executor executor,
                                                                      XmppConfiguration configuration,
                                                                      std::string& detail);

}  // namespace tubes::presence::xmpp
