// SPDX-License-Identifier: GPL-3.0-or-later
// The BIO method table: read one datagram, write one datagram, answer DTLS's questions about the MTU.
#include "transports/dtls/datagram_bio.hpp"

#include <algorithm>
#include <cstring>

namespace tubes::transports {
namespace {

DatagramBioState& state_of(BIO* bio) {
    return *static_cast<DatagramBioState*>(BIO_get_data(bio));
}

int write_datagram(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    if (size <= 0) return 0;
    state_of(bio).lower->send({reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)});
    return size;  // What the network loses is DTLS's to send again.
}

int read_datagram(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    auto& incoming = state_of(bio).incoming;
    if (incoming.empty() || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const auto taken = std::min(incoming.size(), static_cast<std::size_t>(size));
    std::memcpy(out, incoming.data(), taken);
    incoming = {};
    return static_cast<int>(taken);
}

long control(BIO* bio, int command, long number, void* /*pointer*/) {
    const auto mtu = static_cast<long>(state_of(bio).mtu);
    switch (command) {
        case BIO_CTRL_FLUSH:
        case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        case BIO_CTRL_DGRAM_SET_CONNECTED: return 1;
        case BIO_CTRL_DGRAM_QUERY_MTU:
        case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return mtu;
        case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: return 0;  // The path's MTU is already the datagram's content.
        case BIO_CTRL_DGRAM_SET_MTU: return number;
        default: return 0;
    }
}

/// Made once a process; OpenSSL keeps a BIO type's number for ever.
BIO_METHOD* method() {
    static BIO_METHOD* const kMethod = [] {
        auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram path");
        if (made == nullptr) throw_openssl_error("BIO_meth_new");
        BIO_meth_set_write(made, &write_datagram);
        BIO_meth_set_read(made, &read_datagram);
        BIO_meth_set_ctrl(made, &control);
        return made;
    }();
    return kMethod;
}

}  // namespace

BioPtr make_datagram_bio(DatagramBioState& state) {
    BioPtr bio(BIO_new(method()));
    if (!bio) throw_openssl_error("BIO_new");
    BIO_set_data(bio.get(), &state);
    BIO_set_init(bio.get(), 1);
    return bio;
}

}  // namespace tubes::transports
