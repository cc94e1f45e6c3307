// SPDX-License-Identifier: GPL-3.0-or-later
// A transport: one way of reaching a peer, and one try at it (an attempt). Attempts of all transports race.
// Spec: docs/protocol.md, "Candidates".
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tubes/core/ports/message_path.hpp"
#include "tubes/core/ports/peer_carrier.hpp"

namespace tubes::core::ports {

/// Named values of a transport as they travel in signaling. Bounded where they are parsed: at most 16 entries,
/// names of 32 and values of 1024 bytes (docs/protocol.md, "Limits").
using Attributes = std::map<std::string, std::string>;

/// What a transport says of itself once per attempt: certificate fingerprint, ICE credentials, one-time token.
struct TransportDescription {
    PathKind kind = PathKind::local;
    Attributes attributes;
    bool operator==(const TransportDescription&) const = default;
};

/// One way in: an address and what is needed to use it.
struct Candidate {
    PathKind kind = PathKind::local;
    Attributes attributes;
    bool operator==(const Candidate&) const = default;
};

/// A STUN or TURN server that the user or the user's server named (XEP-0215).
struct IceServer {
    enum class Scheme : std::uint8_t { stun, turn_udp, turn_tcp, turn_tls };
    Scheme scheme = Scheme::stun;
    std::string host;
    std::uint16_t port = 3478;
    std::string username;
    std::string password;
    std::chrono::seconds valid_for{0};  ///< Until the credentials expire; 0: they do not, or nobody knows.
    std::string ca_file = {};           ///< PEM authorities for turn_tls instead of the system's, or empty.
};

/// What an attempt works with.
struct AttemptParameters {
    LinkId link;
    std::uint32_t generation = 0;  ///< Counts the negotiations of one link: 0 first, more for every restart.
    LinkRole role = LinkRole::initiator;
    AddressPolicy addresses = AddressPolicy::all;
    bool same_user = false;  ///< The peer is a node of this user on this machine, by the kernel's word.
    std::vector<IceServer> servers;
    std::shared_ptr<PeerCarrier> carrier;  ///< Null where the protocol carries nothing but signals.
};

/// One try of one transport at reaching one peer, from description to open path. Lives on one loop.
class PathAttempt {
public:
    /// Told on the attempt's loop, never inside a call to the attempt.
    class Handler {
    public:
        /// Our description is ready to be signaled. At most once, before any candidate.
        virtual void on_description(const TransportDescription& description) = 0;
        virtual void on_candidate(const Candidate& candidate) = 0;
        /// No more candidates will come.
        virtual void on_candidates_end() = 0;
        /// A path is open. May happen more than once (a better pair); the attempt may then go on.
        virtual void on_path(std::unique_ptr<MessagePath> path) = 0;
        /// This transport does not get through. At most once, and nothing after it.
        virtual void on_failed(error_code reason) = 0;

    protected:
        ~Handler() = default;
    };

    virtual ~PathAttempt() = default;

    /// Begins gathering. No address has left the machine before: the handler decides when to signal.
    virtual void start(Handler& handler) = 0;
    /// The peer's description; once. Candidates that came earlier are kept.
    virtual void set_remote_description(const TransportDescription& description) = 0;
    virtual void add_remote_candidate(const Candidate& candidate) = 0;
    virtual void remote_candidates_end() = 0;
    /// Stops listening, checking and connecting. Paths that were handed over live on. No callback follows.
    virtual void close() = 0;
};

/// A kind of path. Registered in one visible list of the engine.
class Transport {
public:
    virtual ~Transport() = default;
    virtual PathKind kind() const = 0;
    /// How long to wait after the start of a negotiation before trying this one, so that better kinds win ties.
    virtual std::chrono::milliseconds head_start() const = 0;
    /// Null if these parameters leave nothing to try (a relay-only policy without a relay).
    virtual std::unique_ptr<PathAttempt> make_attempt(AttemptParameters parameters) = 0;
};

}  // namespace tubes::core::ports
