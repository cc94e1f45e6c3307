// SPDX-License-Identifier: LGPL-2.1-or-later
// What the operations of a node take.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tubes/endpoint.hpp"
#include "tubes/types.hpp"

namespace tubes {
inline namespace v0 {

/// How a node is opened.
struct NodeOptions {
    /// Where the node runs. Empty: on a thread of its own. A given executor must run one thread or be a strand.
    std::optional<boost::asio::any_io_executor> executor;
    /// Keeps identities and settings apart: accounts of different profiles never mix. Empty: "default".
    std::string profile;
    /// Overrides where configuration, state and the runtime directory live (all below it). Empty: XDG directories,
    /// or the environment variable TUBES_HOME.
    std::filesystem::path home;
    /// Meets this user's other nodes on this machine, without any account.
    bool use_local = true;
    /// Logs in the accounts of the profile's configuration.
    bool use_configured_accounts = true;
    /// Settings that win over environment and file, by the names of ConfigValue (tubes/config.hpp).
    std::map<std::string, std::string> settings;
    /// The name this node goes by among this user's nodes and in presence; empty: chosen at random.
    std::string resource;
};

/// An account to log in.
struct LoginOptions {
    std::string address;             ///< "alice@example.org".
    std::string password;            ///< Empty: the stored one.
    std::string host;                ///< Overrides the server found by DNS: "host", "host:port", "[v6]:port".
    bool direct_tls = false;         ///< With `host`: TLS from the first byte instead of STARTTLS.
    std::filesystem::path ca_file;   ///< Trusts these authorities instead of the system's.
    std::string pinned_certificate;  ///< Trusts exactly the certificate with this SHA-256 ("AA:BB:...").
    bool allow_plain = false;        ///< Permits the PLAIN mechanism over verified TLS.
    bool remember = true;            ///< Keeps the account and its password for later nodes of this profile.
    std::chrono::milliseconds deadline{30000};
};

/// A standing share.
struct ShareOptions {
    std::string service;
    Endpoint target;  ///< What each stream is joined to; in_process: Share::async_accept gives it.
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    std::string account;                ///< Empty: any account on which somebody of the audience is a contact.
    std::vector<std::string> audience;  ///< Contacts; empty: this user on this machine only.
    Policy policy = Policy::ask;
    /// With Policy::always: also covers the first key ever seen of a contact (trust on first use). Without it, a
    /// contact whose key is not known yet is asked about once.
    bool trust_first_key = false;
    /// Also for WebRTC programs of the audience, such as pages in their browsers. These have no key: only the account
    /// that signals says who they are, so Policy::always does not cover them without `trust_first_key`. Stream tubes
    /// with an audience only: Errc::invalid_argument otherwise. A connection does not outlive its path.
    bool webrtc = false;
};

/// One tube proposed to one contact.
struct OfferOptions {
    std::string contact;
    std::string service;
    Endpoint target;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    std::string account;
    std::chrono::seconds lifetime{600};
};

/// A tube to open.
struct ConnectOptions {
    std::string contact;  ///< Empty: this user on this machine.
    std::string service;
    std::string peer;  ///< Only this node of the contact (PeerInfo::address).
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    std::string account;
    std::chrono::milliseconds deadline{60000};  ///< From the call to an open tube, waiting for people included.
};

/// This machine's end of a tube: a socket that programs connect to.
struct ListenOptions {
    Endpoint endpoint;
    bool allow_remote = false;  ///< Permits a TCP address off loopback: Errc::address_not_allowed without it.
};

}  // namespace v0
}  // namespace tubes
