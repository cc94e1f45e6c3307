// SPDX-License-Identifier: GPL-3.0-or-later
// Control messages that the brokers of two devices exchange on an open link. Plain data; wire/control.proto.
// Spec: docs/protocol.md, "Control messages".
#pragma once

#include <variant>

#include "tubes/core/signaling/signals.hpp"

namespace tubes::core {

/// Asks to open one more tube on a link that exists; passes the same policies as a request by signaling.
struct TubeOpen {
    TubeRequest request;
};

/// The answer to TubeOpen. `pending` says that the user is being asked and that another answer follows.
struct TubeOpened {
    TubeId tube;
    bool pending = false;
    std::optional<Errc> refusal;  ///< Empty: open. not_available for "no such service" and "not for you" alike.
    Parameters parameters;
};

/// The tube is closed by the sender; its streams are reset with `reason`.
struct TubeClosed {
    TubeId tube;
    Errc reason = Errc::cancelled;
};

/// Short verification string by commit then reveal (docs/protocol.md, "Verification"): the commitment is
/// SHA-256 over the nonce and both identities, so that neither side can grind for a collision.
struct VerifyCommit {
    Digest commitment;
};
struct VerifyReveal {
    Digest nonce;
};

using ControlMessage = std::variant<TubeOpen, TubeOpened, TubeClosed, VerifyCommit, VerifyReveal>;

}  // namespace tubes::core
