// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes what a taken-over socket hears: STUN from the network. Nothing made up may give consent.
#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "transports/ice/stun_consent.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using tubes::transports::StunConsent;
    const tubes::core::ByteView datagram(data, size);
    if (!StunConsent::is_stun(datagram)) return 0;
    sockaddr_storage peer{};
    peer.ss_family = AF_INET;
    StunConsent consent({"ours", "password-of-our-own-side"}, {"theirs", "password-of-the-other-side"}, true);
    consent.make_request();
    if (consent.receive(datagram, peer, sizeof(sockaddr_in)).consent) std::abort();
    return 0;
}
