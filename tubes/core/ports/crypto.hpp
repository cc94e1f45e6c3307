// SPDX-License-Identifier: GPL-3.0-or-later
// The few cryptographic operations the core needs itself. Sessions are encrypted by the transports.
#pragma once

#include "tubes/core/ids.hpp"

namespace tubes::core::ports {

/// Signs with one identity key. The secret half stays inside.
class Identity {
public:
    virtual ~Identity() = default;
    virtual const PublicKey& public_key() const = 0;
    /// Ed25519 (RFC 8032) over `message`.
    virtual Signature sign(ByteView message) const = 0;
};

/// Stateless primitives; safe on any thread.
class Crypto {
public:
    virtual ~Crypto() = default;
    virtual Digest sha256(ByteView message) const = 0;
    virtual bool verify(const PublicKey& key, ByteView message, const Signature& signature) const = 0;
    /// Fills with unpredictable bytes; deterministic in simulations.
    virtual void random(base::MutableByteView out) const = 0;
};

}  // namespace tubes::core::ports
