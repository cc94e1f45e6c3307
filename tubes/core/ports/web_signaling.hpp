// SPDX-License-Identifier: GPL-3.0-or-later
// What is said with a foreign peer, a program that speaks WebRTC's data channels and nothing of ours, to set one
// session up. Plain data; a protocol encodes it in its own standard way.
// Spec: docs/protocol.md, "Foreign peers"; XEP-0166, XEP-0176, XEP-0320, XEP-0343.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "tubes/core/ports/transport.hpp"

namespace tubes::core::ports {

/// The peer asks for a service. Its description has "ufrag", "pwd", "fingerprint", "setup" ("active", "passive" or
/// "actpass") and "sctp-port".
struct WebInitiate {
    std::string service;
    TransportDescription description;
    std::vector<Candidate> candidates;
};
/// Ours: the user is being asked.
struct WebPending {};
/// Ours: granted; the same attributes, "setup" decided.
struct WebAccept {
    TransportDescription description;
};
/// Either side's, trickled.
struct WebCandidates {
    std::vector<Candidate> candidates;
};
/// Either side's: the session is over.
struct WebTerminate {
    Errc reason = Errc::cancelled;
};

struct WebSignal {
    std::string session;  ///< The peer's name for it, 1 to 128 bytes; means nothing for anybody else.
    std::string content;  ///< The same for the one thing in it; told back as it came.
    std::variant<WebInitiate, WebPending, WebAccept, WebCandidates, WebTerminate> action;
};

}  // namespace tubes::core::ports
