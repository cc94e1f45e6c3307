// SPDX-License-Identifier: GPL-3.0-or-later
// Hello to Protocol Buffers and back.
#include "tubes/core/wire/hello.hpp"

#include "tubes/core/wire/common_codec.hpp"
#include "tubes/core/wire/control.pb.h"

namespace tubes::wire {

core::Bytes encode(const Hello& hello) {
    pb::Hello message;
    message.set_oldest_version(hello.oldest_version);
    message.set_newest_version(hello.newest_version);
    message.set_features(hello.features);
    message.set_link(id_to_wire(hello.link));
    message.set_generation(hello.generation);
    message.set_role(static_cast<std::uint32_t>(hello.role));
    message.set_identity(id_to_wire(hello.identity));
    message.set_signature(id_to_wire(hello.signature));
    message.set_initial_window(hello.initial_window);
    message.set_stream_limit(hello.stream_limit);
    return serialize(message);
}

result<Hello> decode_hello(core::ByteView bytes) {
    pb::Hello message;
    if (auto parsed = parse_bounded(bytes, kMaxHello, message); !parsed) return parsed.error();
    const auto link = id_from_wire<core::LinkId>(message.link());
    const auto identity = id_from_wire<core::PublicKey>(message.identity());
    const auto signature = id_from_wire<core::Signature>(message.signature());
    const bool versions = message.oldest_version() >= 1 && message.oldest_version() <= message.newest_version();
    if (!link || !identity || !signature || !versions || message.role() > 1) {
        return make_error_code(Errc::protocol_violation);
    }
    Hello hello;
    hello.oldest_version = message.oldest_version();
    hello.newest_version = message.newest_version();
    hello.features = message.features();
    hello.link = *link;
    hello.generation = message.generation();
    hello.role = static_cast<core::LinkRole>(message.role());
    hello.identity = *identity;
    hello.signature = *signature;
    hello.initial_window = message.initial_window();
    hello.stream_limit = message.stream_limit();
    return hello;
}

result<std::uint32_t> common_version(const Hello& peer) noexcept {
    const auto newest = std::min(peer.newest_version, kNewestVersion);
    if (newest < std::max(peer.oldest_version, kOldestVersion)) return make_error_code(Errc::unsupported);
    return newest;
}

}  // namespace tubes::wire
