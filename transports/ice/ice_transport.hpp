// SPDX-License-Identifier: GPL-3.0-or-later
// The ICE transport: reaches a peer through NATs over UDP, by a relay if need be.
// Spec: docs/protocol.md, "Candidates"; XEP-0176 for the attributes' names.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "transports/addresses/address_rules.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// Description: "ufrag", "pwd", "fingerprint" (SHA-256), "sctp-port". Candidates: see encode_ice_candidate. The link's
/// initiator controls ICE and is the DTLS client. Every attempt has its own agent, credentials, certificate and
/// sockets, so a later generation shares nothing with an earlier one. All of it lives on the executor's loop.
class IceTransport final : public core::ports::Transport {
public:
    /// `rules` says what all attempts may do with addresses; an attempt's own policy takes the place of its policy.
    explicit IceTransport(boost::asio::any_io_executor executor, AddressRules rules = {});

    PathKind kind() const override { return PathKind::ice; }
    std::chrono::milliseconds head_start() const override;
    /// Null with relay_only and no TURN server that libnice can use.
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

private:
    boost::asio::any_io_executor executor_;
    AddressRules rules_;
};

}  // namespace tubes::transports
