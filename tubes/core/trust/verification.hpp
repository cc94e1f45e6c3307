// SPDX-License-Identifier: GPL-3.0-or-later
// The short verification string: a commit-then-reveal exchange on a live link, one guess per start by the user.
// Spec: docs/protocol.md, "Verification".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tubes/core/link/control.hpp"
#include "tubes/core/ports/crypto.hpp"

namespace tubes::core {

/// One end of an identity in the exchange: who it belongs to and its key.
struct VerifiedParty {
    ContactAddress address;
    PublicKey key;
};

/// One link's side of the exchange. Nothing is revealed before this side's user started it and the peer has
/// committed, so an impostor between the two gets one guess in 10^9 for every time a user starts.
class ShortStringExchange {
public:
    using Send = std::function<void(const ControlMessage&)>;
    using Callback = std::function<void(result<std::string>)>;

    ShortStringExchange(const ports::Crypto& crypto, VerifiedParty self, VerifiedParty peer, Send send);

    /// Commits, and answers through `callback` once both sides have revealed. A start that is under way ends with
    /// cancelled.
    void start(Callback callback);
    /// The peer's messages. A reveal that does not match its commitment ends the exchange with identity_mismatch;
    /// messages out of order with protocol_violation.
    void on_commit(const VerifyCommit& message);
    void on_reveal(const VerifyReveal& message);
    /// Ends a start that is under way.
    void cancel(Errc reason);

    bool is_running() const noexcept { return callback_ != nullptr; }

private:
    Digest commitment(const VerifiedParty& committer, const VerifiedParty& other, const Digest& nonce) const;
    std::string short_string(const Digest& peer_nonce) const;
    void reveal_if_ready();
    void finish(result<std::string> outcome);

    const ports::Crypto& crypto_;
    VerifiedParty self_;
    VerifiedParty peer_;
    Send send_;
    Callback callback_;
    Digest nonce_;
    std::optional<Digest> peer_commitment_;
    bool revealed_ = false;
};

}  // namespace tubes::core
