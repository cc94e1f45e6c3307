// SPDX-License-Identifier: GPL-3.0-or-later
// Making and checking the signature that binds an identity to a path of a link.
#include "tubes/core/link/proof.hpp"

namespace tubes::core {
namespace {

constexpr std::string_view kContext = "tubes link identity proof v1";

void put(Bytes& out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_number(Bytes& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_text(Bytes& out, const std::string& text) {
    put_number(out, static_cast<std::uint32_t>(text.size()));
    put(out, base::as_bytes(text));
}

}  // namespace

Bytes proof_message(const ProofContext& context, const PublicKey& own_key, LinkRole signer) {
    const auto& link = context.link;
    const bool is_ours = signer == link.role;
    Bytes message;
    put(message, base::as_bytes(kContext));
    message.push_back(0);
    put(message, context.binding.view());
    put(message, link.id.view());
    put_number(message, context.generation);
    message.push_back(static_cast<std::uint8_t>(signer));
    put(message, is_ours ? own_key.view() : link.peer_key.view());
    put(message, is_ours ? link.peer_key.view() : own_key.view());
    put_text(message, is_ours ? link.self.value : link.peer.value);
    put_text(message, is_ours ? link.peer.value : link.self.value);
    return message;
}

wire::Hello make_hello(const ProofContext& context, const ports::Identity& identity) {
    const auto& link = context.link;
    wire::Hello hello;
    hello.link = link.id;
    hello.generation = context.generation;
    hello.role = link.role;
    hello.identity = identity.public_key();
    hello.signature = identity.sign(proof_message(context, identity.public_key(), link.role));
    hello.initial_window = static_cast<std::uint32_t>(link.limits.minimum_window);
    hello.stream_limit = link.limits.streams;
    return hello;
}

result<void> check_hello(const wire::Hello& hello, const ProofContext& context, const PublicKey& own_key,
                         const ports::Crypto& crypto) {
    if (auto version = wire::common_version(hello); !version) return version.error();
    const auto& link = context.link;
    const bool matches = hello.link == link.id && hello.generation == context.generation && hello.role != link.role &&
                         hello.identity == link.peer_key;
    if (!matches || !crypto.verify(link.peer_key, proof_message(context, own_key, hello.role), hello.signature)) {
        return make_error_code(Errc::identity_mismatch);
    }
    return {};
}

}  // namespace tubes::core
