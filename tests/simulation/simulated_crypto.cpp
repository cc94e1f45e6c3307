// SPDX-License-Identifier: GPL-3.0-or-later
// Deterministic stand-ins for cryptography.
#include "tests/simulation/simulated_crypto.hpp"

namespace tubes::simulation {

void mix(std::initializer_list<core::ByteView> parts, base::MutableByteView out) {
    std::uint64_t state = 0x9e3779b97f4a7c15U;
    const auto turn = [&state](std::uint64_t value) {
        state ^= value + 0x9e3779b97f4a7c15U + (state << 6) + (state >> 2);
        state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9U;
        state = (state ^ (state >> 27)) * 0x94d049bb133111ebU;
        state ^= state >> 31;
    };
    for (const auto part : parts) {
        turn(part.size());
        for (const auto byte : part) turn(byte);
    }
    for (auto& byte : out) {
        turn(0);
        byte = static_cast<std::uint8_t>(state);
    }
}

SimulatedIdentity::SimulatedIdentity(std::uint64_t seed) {
    std::array<std::uint8_t, sizeof(seed)> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(seed >> (8 * i));
    mix({bytes}, key_.bytes);
}

core::Signature SimulatedIdentity::sign(core::ByteView message) const {
    core::Signature signature;
    mix({key_.view(), message}, signature.bytes);
    return signature;
}

core::Digest SimulatedCrypto::sha256(core::ByteView message) const {
    core::Digest digest;
    mix({message}, digest.bytes);
    return digest;
}

bool SimulatedCrypto::verify(const core::PublicKey& key, core::ByteView message,
                             const core::Signature& signature) const {
    core::Signature expected;
    mix({key.view(), message}, expected.bytes);
    return expected == signature;
}

void SimulatedCrypto::random(base::MutableByteView out) const {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
}

}  // namespace tubes::simulation
