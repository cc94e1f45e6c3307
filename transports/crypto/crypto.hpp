// SPDX-License-Identifier: GPL-3.0-or-later
// The core's cryptographic ports on OpenSSL: digests, signatures, randomness and identity keys.
// Spec: FIPS 180-4 (SHA-256); RFC 8032 (Ed25519); RFC 5958 and RFC 7468 (private key files).
#pragma once

#include <memory>

#include "tubes/core/ports/crypto.hpp"

namespace tubes::transports {

/// Owned bytes that are overwritten before their memory is given back. Movable only, so that no copy is forgotten.
class SecretBytes {
public:
    SecretBytes() = default;
    explicit SecretBytes(base::Bytes bytes) noexcept : bytes_(std::move(bytes)) {}
    SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) {}
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    ~SecretBytes();

    base::ByteView view() const noexcept { return bytes_; }

private:
    void cleanse() noexcept;
    base::Bytes bytes_;
};

/// SHA-256 and Ed25519 verification by OpenSSL, randomness by the kernel. Safe on any thread; never blocks.
class OpenSslCrypto final : public core::ports::Crypto {
public:
    core::Digest sha256(base::ByteView message) const override;
    bool verify(const core::PublicKey& key, base::ByteView message, const core::Signature& signature) const override;
    void random(base::MutableByteView out) const override;
};

/// An Ed25519 identity key in memory. Safe on any thread once made.
class OpenSslIdentity final : public core::ports::Identity {
public:
    /// A fresh key. Throws std::runtime_error only if OpenSSL has no memory or no randomness.
    static std::unique_ptr<OpenSslIdentity> generate();

    /// The key in `pem`, an unencrypted PKCS#8 "PRIVATE KEY" block of at most 4096 bytes; Errc::state_corrupt if it
    /// is anything else, another algorithm included. The caller cleanses its own copy.
    static result<std::unique_ptr<OpenSslIdentity>> from_pem(base::ByteView pem);

    ~OpenSslIdentity() override;
    OpenSslIdentity(const OpenSslIdentity&) = delete;
    OpenSslIdentity& operator=(const OpenSslIdentity&) = delete;

    const core::PublicKey& public_key() const override { return public_key_; }
    core::Signature sign(base::ByteView message) const override;

    /// The secret key as an unencrypted PKCS#8 "PRIVATE KEY" block, for a file only its owner may read.
    SecretBytes to_pem() const;

private:
    struct Key;
    explicit OpenSslIdentity(std::unique_ptr<Key> key);

    std::unique_ptr<Key> key_;
    core::PublicKey public_key_;
};

}  // namespace tubes::transports
