// SPDX-License-Identifier: GPL-3.0-or-later
// Verification digits over two identities, and the commit-then-reveal exchange of the short string.
#include "tubes/core/trust/verification.hpp"

#include <fmt/format.h>

#include "tubes/core/tube/broker.hpp"

namespace tubes::core {
namespace {

constexpr std::string_view kDigitsLabel = "tubes-verification-digits-v1";
constexpr std::string_view kCommitLabel = "tubes-verify-commit-v1";
constexpr std::string_view kShortLabel = "tubes-verify-short-v1";
constexpr int kDigitRounds = 4096;  // Hash rounds: makes searching for a key with similar digits dearer.
constexpr int kGroups = 12;         // Groups of five digits: 60 digits, about 199 bits.
constexpr std::size_t kGroupBytes = 5;

void append(Bytes& out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

// Lengths in front, so that no two different inputs run together into one byte string.
void append_sized(Bytes& out, ByteView bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(size >> shift));
    append(out, bytes);
}

void append_party(Bytes& out, const ContactAddress& address, const PublicKey& key) {
    append_sized(out, base::as_bytes(address.value));
    append_sized(out, key.view());
}

Digest stretched(const ports::Crypto& crypto, ByteView identities, std::uint8_t index) {
    Bytes first(kDigitsLabel.begin(), kDigitsLabel.end());
    first.push_back(index);
    append(first, identities);
    Digest digest = crypto.sha256(first);
    for (int round = 1; round < kDigitRounds; ++round) {
        Bytes next(digest.bytes.begin(), digest.bytes.end());
        append(next, identities);
        digest = crypto.sha256(next);
    }
    return digest;
}

std::uint64_t number(ByteView bytes) {
    std::uint64_t value = 0;
    for (const auto byte : bytes) value = value << 8 | byte;
    return value;
}

}  // namespace

std::string verification_digits(const ports::Crypto& crypto, const ContactAddress& a, const PublicKey& a_key,
                                const ContactAddress& b, const PublicKey& b_key) {
    Bytes identities;
    const bool a_first = std::tie(a_key, a) < std::tie(b_key, b);
    append_party(identities, a_first ? a : b, a_first ? a_key : b_key);
    append_party(identities, a_first ? b : a, a_first ? b_key : a_key);
    Bytes pool;
    append(pool, stretched(crypto, identities, 0).view());
    append(pool, stretched(crypto, identities, 1).view());
    std::string digits;
    for (std::size_t group = 0; group < kGroups; ++group) {
        const ByteView part = ByteView(pool).subspan(group * kGroupBytes, kGroupBytes);
        digits += fmt::format("{:05}", number(part) % 100000);
    }
    return digits;
}

ShortStringExchange::ShortStringExchange(const ports::Crypto& crypto, VerifiedParty self, VerifiedParty peer, Send send)
    : crypto_(crypto), self_(std::move(self)), peer_(std::move(peer)), send_(std::move(send)) {}

void ShortStringExchange::start(Callback callback) {
    cancel(Errc::cancelled);
    callback_ = std::move(callback);
    revealed_ = false;
    crypto_.random(nonce_.bytes);
    send_(VerifyCommit{commitment(self_, peer_, nonce_)});
    reveal_if_ready();
}

void ShortStringExchange::on_commit(const VerifyCommit& message) {
    // A second commitment after our reveal would let the peer choose its nonce knowing ours.
    if (revealed_) return finish(make_error_code(Errc::protocol_violation));
    peer_commitment_ = message.commitment;
    reveal_if_ready();
}

void ShortStringExchange::on_reveal(const VerifyReveal& message) {
    // The peer may reveal as soon as it has both commitments, and ours is on its way exactly when we are running.
    if (!callback_) return;
    if (!peer_commitment_) return finish(make_error_code(Errc::protocol_violation));
    if (commitment(peer_, self_, message.nonce) != *peer_commitment_) {
        return finish(make_error_code(Errc::identity_mismatch));
    }
    finish(short_string(message.nonce));
}

void ShortStringExchange::cancel(Errc reason) {
    if (callback_) finish(make_error_code(reason));
}

void ShortStringExchange::reveal_if_ready() {
    if (!callback_ || !peer_commitment_ || revealed_) return;
    revealed_ = true;
    send_(VerifyReveal{nonce_});
}

void ShortStringExchange::finish(result<std::string> outcome) {
    peer_commitment_.reset();
    revealed_ = false;
    if (auto callback = std::exchange(callback_, nullptr)) callback(std::move(outcome));
}

Digest ShortStringExchange::commitment(const VerifiedParty& committer, const VerifiedParty& other,
                                       const Digest& nonce) const {
    Bytes message(kCommitLabel.begin(), kCommitLabel.end());
    append_party(message, committer.address, committer.key);
    append_party(message, other.address, other.key);
    append(message, nonce.view());
    return crypto_.sha256(message);
}

std::string ShortStringExchange::short_string(const Digest& peer_nonce) const {
    const bool self_first = std::tie(self_.key, self_.address) < std::tie(peer_.key, peer_.address);
    const auto& first = self_first ? self_ : peer_;
    const auto& second = self_first ? peer_ : self_;
    Bytes message(kShortLabel.begin(), kShortLabel.end());
    append_party(message, first.address, first.key);
    append(message, (self_first ? nonce_ : peer_nonce).view());
    append_party(message, second.address, second.key);
    append(message, (self_first ? peer_nonce : nonce_).view());
    const Digest digest = crypto_.sha256(message);
    const auto value = number(ByteView(digest.bytes).first(8)) % 1000000000;
    return fmt::format("{:03} {:03} {:03}", value / 1000000, value / 1000 % 1000, value % 1000);
}

}  // namespace tubes::core
