// SPDX-License-Identifier: GPL-3.0-or-later
// Stand-ins for identities and digests: deterministic, quick, and worthless against anybody but a test.
#pragma once

#include <random>

#include "tubes/core/ports/crypto.hpp"

namespace tubes::simulation {

/// Mixes `parts` into `out`; different inputs give different outputs for all a test can tell.
void mix(std::initializer_list<core::ByteView> parts, base::MutableByteView out);

class SimulatedIdentity final : public core::ports::Identity {
public:
    explicit SimulatedIdentity(std::uint64_t seed);
    const core::PublicKey& public_key() const override { return key_; }
    core::Signature sign(core::ByteView message) const override;

private:
    core::PublicKey key_;
};

class SimulatedCrypto final : public core::ports::Crypto {
public:
    explicit SimulatedCrypto(std::uint64_t seed = 1) : random_(seed) {}
    core::Digest sha256(core::ByteView message) const override;
    bool verify(const core::PublicKey& key, core::ByteView message, const core::Signature& signature) const override;
    void random(base::MutableByteView out) const override;

private:
    mutable std::mt19937_64 random_;
};

}  // namespace tubes::simulation
