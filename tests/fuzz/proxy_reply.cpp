// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes the answers of SOCKS5 and HTTP proxies, and of SOCKS5 relays: any bytes, as they are wanted.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "tubes/base/proxy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tubes::base;
    if (size == 0) return 0;
    Proxy proxy;
    proxy.kind = data[0] % 2 == 0 ? Proxy::Kind::http : Proxy::Kind::socks5;
    proxy.host = "proxy";
    if (data[0] % 4 >= 2) proxy.user = "user";
    ProxyHandshake handshake(proxy, "host.example", 443);
    ByteView rest(data + 1, size - 1);
    std::size_t sent = handshake.take_output().size();
    while (handshake.wanted() > 0 && !rest.empty()) {
        const auto part = rest.first(std::min(rest.size(), handshake.wanted()));
        rest = rest.subspan(part.size());
        if (handshake.feed(part)) {
            if (handshake.detail().empty() || handshake.wanted() != 0) std::abort();
            return 0;
        }
        sent += handshake.take_output().size();
    }
    if (sent > 2048) std::abort();
    return 0;
}
