// SPDX-License-Identifier: GPL-3.0-or-later
// Owning pointers for OpenSSL objects, and its error queue as text. For files inside transports/ only.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace tubes::transports {

/// Calls an OpenSSL free function.
template <auto Free>
struct OpenSslDelete {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};

using BioPtr = std::unique_ptr<BIO, OpenSslDelete<BIO_free_all>>;
using EvpKeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDelete<EVP_PKEY_free>>;
using EvpKeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, OpenSslDelete<EVP_PKEY_CTX_free>>;
using EvpDigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpenSslDelete<EVP_MD_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, OpenSslDelete<X509_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpenSslDelete<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpenSslDelete<SSL_free>>;

/// Empties this thread's OpenSSL error queue and returns it as one line, empty if there was none.
std::string take_openssl_errors();

/// Throws std::runtime_error naming `operation`, with the error queue: for what fails only without memory.
[[noreturn]] void throw_openssl_error(const char* operation);

}  // namespace tubes::transports
