// SPDX-License-Identifier: GPL-3.0-or-later
// Signals: the small messages by which two devices negotiate through a connection. Plain data; every protocol
// encodes the same structs (XMPP as Jingle and IQs, local and link-local as Protocol Buffers).
// Spec: docs/protocol.md, "Signaling".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tubes/core/ids.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::core {

/// What one tube is asked to be. Names an offer when it accepts one, else a standing share by its service name.
struct TubeRequest {
    TubeId tube;
    std::string service;
    TubeKind kind = TubeKind::stream;
    std::optional<OfferId> offer;
    Parameters parameters;
};

/// A tube proposed to one contact; goes to every device of it. Carries no network address.
struct OfferSignal {
    OfferId offer;
    std::string service;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
    std::chrono::seconds lifetime{0};
    PublicKey identity;
};

enum class OfferEnd : std::uint8_t { taken = 1, withdrawn = 2, expired = 3, declined = 4 };

/// An offer is over: taken, withdrawn or expired by the offerer; declined by a device of the contact.
struct OfferEndSignal {
    OfferId offer;
    OfferEnd end = OfferEnd::taken;
};

/// Begins a link by asking for its first tube. Jingle session-initiate (XEP-0166 §6.2). Descriptions carry no
/// candidates here: no address leaves before the other side has accepted.
struct LinkInitiate {
    LinkId link;
    PublicKey identity;
    TubeRequest request;
    std::vector<ports::TransportDescription> transports;
};

/// The responder's user is being asked. Jingle session-info "ringing".
struct LinkPending {
    LinkId link;
};

/// The request is granted; both sides now trickle candidates. Jingle session-accept.
struct LinkAccept {
    LinkId link;
    PublicKey identity;
    Parameters parameters;
    std::vector<ports::TransportDescription> transports;
};

/// Trickled candidates of one generation. Jingle transport-info.
struct LinkCandidates {
    LinkId link;
    std::uint32_t generation = 0;
    std::vector<ports::Candidate> candidates;
    bool end = false;
};

/// New paths for a link that lost its own or wants better ones. Jingle transport-replace; answered by the same
/// signal with `answer` set (transport-accept).
struct LinkRestart {
    LinkId link;
    std::uint32_t generation = 1;
    bool answer = false;
    std::vector<ports::TransportDescription> transports;
};

/// Ends a link or its negotiation. Jingle session-terminate; `reason` is one of not_available, refused, cancelled,
/// timed_out, no_path, taken, withdrawn, expired, identity_mismatch, limit_exceeded, already_exists (glare), broken.
struct LinkTerminate {
    LinkId link;
    Errc reason = Errc::cancelled;
    /// With reason already_exists: the link that survives the glare.
    std::optional<LinkId> survivor;
};

/// Which services may I use? Answered with only what the asker is permitted.
struct ServiceQuery {};

/// Are you there? Measures the round trip through the server; opens nothing.
struct PingSignal {};

using Signal = std::variant<OfferSignal, OfferEndSignal, LinkInitiate, LinkPending, LinkAccept, LinkCandidates,
                            LinkRestart, LinkTerminate, ServiceQuery, PingSignal>;

/// One entry of a service list.
struct ServiceInfo {
    std::string name;
    TubeKind kind = TubeKind::stream;
    Parameters parameters;
};

/// The answer to a ServiceQuery: the asker's services, and the answering device's identity key.
struct ServiceList {
    PublicKey identity;
    std::vector<ServiceInfo> services;
};

/// The answer to a signal: received (not "granted"), or a service list. Errors are error codes.
using SignalReply = std::variant<std::monostate, ServiceList>;

/// A name for logs: "link-initiate".
std::string_view name_of(const Signal& signal) noexcept;

}  // namespace tubes::core
