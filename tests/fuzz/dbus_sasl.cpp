// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes the handshake of a D-Bus connection: cut anywhere, it ends as it does in one piece.
#include "tubes/endpoints/dbus/sasl_server.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using tubes::endpoints::dbus::SaslServer;
    if (size == 0) return 0;
    const tubes::base::ByteView input(data + 1, size - 1);
    SaslServer whole({"0123456789abcdef0123456789abcdef", 1000, (data[0] & 1) != 0});
    SaslServer pieces({"0123456789abcdef0123456789abcdef", 1000, (data[0] & 1) != 0});
    const auto used = whole.receive(input);
    tubes::result<std::size_t> last(std::size_t{0});
    std::size_t total = 0;
    for (std::size_t at = 0; at < input.size() && last; ++at) {
        last = pieces.receive(input.subspan(at, 1));
        if (last) total += *last;
    }
    if (used.has_value() != last.has_value() || (used && *used != total)) __builtin_trap();
    if (whole.is_done() != pieces.is_done() || whole.take_output() != pieces.take_output()) __builtin_trap();
    return 0;
}
