// SPDX-License-Identifier: GPL-3.0-or-later
// SHA-256, Ed25519 and identity key files on OpenSSL 3.
#include "transports/crypto/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "transports/crypto/openssl.hpp"

namespace tubes::transports {

namespace {

/// An Ed25519 PKCS#8 block has 119 bytes; anything much larger is no key of ours.
constexpr std::size_t kMaxPemSize = 4096;

/// Refuses to ask for a passphrase: without it OpenSSL would read one from the terminal.
int refuse_passphrase(char*, int, int, void*) {
    return -1;
}

}  // namespace

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
        cleanse();
        bytes_ = std::move(other.bytes_);
    }
    return *this;
}

SecretBytes::~SecretBytes() {
    cleanse();
}

void SecretBytes::cleanse() noexcept {
    if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

core::Digest OpenSslCrypto::sha256(base::ByteView message) const {
    core::Digest digest;
    SHA256(message.data(), message.size(), digest.bytes.data());
    return digest;
}

bool OpenSslCrypto::verify(const core::PublicKey& key, base::ByteView message, const core::Signature& signature) const {
    const EvpKeyPtr public_key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.bytes.data(), key.bytes.size()));
    const EvpDigestContextPtr context(EVP_MD_CTX_new());
    const bool valid = public_key && context &&
                       EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
                       EVP_DigestVerify(context.get(), signature.bytes.data(), signature.bytes.size(), message.data(),
                                        message.size()) == 1;
    if (!valid) ERR_clear_error();
    return valid;
}

void OpenSslCrypto::random(base::MutableByteView out) const {
    base::fill_random(out);
}

struct OpenSslIdentity::Key {
    EvpKeyPtr key;
};

OpenSslIdentity::OpenSslIdentity(std::unique_ptr<Key> key) : key_(std::move(key)) {
    std::size_t size = public_key_.bytes.size();
    if (EVP_PKEY_get_raw_public_key(key_->key.get(), public_key_.bytes.data(), &size) != 1 ||
        size != public_key_.bytes.size()) {
        throw_openssl_error("reading an Ed25519 public key");
    }
}

OpenSslIdentity::~OpenSslIdentity() = default;

std::unique_ptr<OpenSslIdentity> OpenSslIdentity::generate() {
    auto key = std::make_unique<Key>(Key{EvpKeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"))});
    if (!key->key) throw_openssl_error("generating an Ed25519 key");
    return std::unique_ptr<OpenSslIdentity>(new OpenSslIdentity(std::move(key)));
}

result<std::unique_ptr<OpenSslIdentity>> OpenSslIdentity::from_pem(base::ByteView pem) {
    if (pem.empty() || pem.size() > kMaxPemSize) return make_error_code(Errc::state_corrupt);
    const BioPtr source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!source) throw_openssl_error("reading a key");
    auto key = std::make_unique<Key>(
        Key{EvpKeyPtr(PEM_read_bio_PrivateKey(source.get(), nullptr, refuse_passphrase, nullptr))});
    if (!key->key || EVP_PKEY_get_id(key->key.get()) != EVP_PKEY_ED25519) {
        ERR_clear_error();
        return make_error_code(Errc::state_corrupt);
    }
    return std::unique_ptr<OpenSslIdentity>(new OpenSslIdentity(std::move(key)));
}

core::Signature OpenSslIdentity::sign(base::ByteView message) const {
    core::Signature signature;
    std::size_t size = signature.bytes.size();
    const EvpDigestContextPtr context(EVP_MD_CTX_new());
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_->key.get()) != 1 ||
        EVP_DigestSign(context.get(), signature.bytes.data(), &size, message.data(), message.size()) != 1) {
        throw_openssl_error("signing with Ed25519");
    }
    return signature;
}

SecretBytes OpenSslIdentity::to_pem() const {
    // BIO_s_mem overwrites its buffer when it grows and when it is freed.
    const BioPtr target(BIO_new(BIO_s_mem()));
    if (!target ||
        PEM_write_bio_PKCS8PrivateKey(target.get(), key_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        throw_openssl_error("writing a key");
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(target.get(), &data);
    const auto text = base::as_bytes({data, static_cast<std::size_t>(size)});
    return SecretBytes(base::Bytes(text.begin(), text.end()));
}

}  // namespace tubes::transports
