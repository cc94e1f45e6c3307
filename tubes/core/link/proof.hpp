// SPDX-License-Identifier: GPL-3.0-or-later
// The identity proof of a path: who speaks at its other end.
// Spec: docs/protocol.md, "Paths".
#pragma once

#include "tubes/core/link/link.hpp"
#include "tubes/core/wire/hello.hpp"

namespace tubes::core {

/// What both ends of a path must agree on for a proof to hold.
struct ProofContext {
    const LinkConfiguration& link;
    const Digest& binding;  ///< The path's channel binding.
    std::uint32_t generation;
};

/// The bytes that the side with role `signer` signs. Fields of variable length are preceded by their length.
Bytes proof_message(const ProofContext& context, const PublicKey& own_key, LinkRole signer);

/// Our Hello, signed.
wire::Hello make_hello(const ProofContext& context, const ports::Identity& identity);

/// Checks the peer's Hello: identity_mismatch for a wrong key, link, generation, role or signature; unsupported if
/// no version is common.
result<void> check_hello(const wire::Hello& hello, const ProofContext& context, const PublicKey& own_key,
                         const ports::Crypto& crypto);

}  // namespace tubes::core
