// SPDX-License-Identifier: GPL-3.0-or-later
// OpenSSL's view of a datagram path: a BIO that keeps datagram boundaries and copies nothing.
#pragma once

#include "transports/crypto/openssl.hpp"
#include "transports/datagram_path.hpp"

namespace tubes::transports {

/// What the BIO of one session reads from and writes to. Lives as long as the SSL object that owns the BIO.
struct DatagramBioState {
    DatagramPath* lower = nullptr;
    ByteView incoming;  ///< The datagram being handled; read once, whole. Empty: nothing to read.
    std::size_t mtu = 0;
};

/// A BIO over `state`, which outlives it. Throws std::runtime_error if OpenSSL has no memory.
BioPtr make_datagram_bio(DatagramBioState& state);

}  // namespace tubes::transports
