// SPDX-License-Identifier: GPL-3.0-or-later
// The computations of RFC 5802 §3 by OpenSSL.
#include "presence/xmpp/scram.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stringprep.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "presence/xmpp/utf8.hpp"

namespace tubes::presence::xmpp {
namespace {

using base::Bytes;
using base::ByteView;

const EVP_MD* digest_of(ScramHash hash) {
    return hash == ScramHash::sha1 ? EVP_sha1() : EVP_sha256();
}

Bytes hmac(const EVP_MD* digest, ByteView key, std::string_view text) {
    Bytes out(static_cast<std::size_t>(EVP_MD_get_size(digest)));
    const ByteView data = base::as_bytes(text);
    HMAC(digest, key.data(), static_cast<int>(key.size()), data.data(), data.size(), out.data(), nullptr);
    return out;
}

Bytes hash_of(const EVP_MD* digest, ByteView data) {
    Bytes out(static_cast<std::size_t>(EVP_MD_get_size(digest)));
    EVP_Digest(data.data(), data.size(), out.data(), nullptr, digest, nullptr);
    return out;
}

result<std::string> sasl_prepare(const std::string& text) {
    std::array<char, 4096> buffer{};
    if (text.empty() || text.size() > 1023 || !is_clean_utf8(text)) return make_error_code(Errc::invalid_argument);
    std::memcpy(buffer.data(), text.data(), text.size());
    const int status =
        stringprep(buffer.data(), buffer.size(), static_cast<Stringprep_profile_flags>(0), stringprep_saslprep);
    std::string prepared = status == STRINGPREP_OK ? buffer.data() : "";
    OPENSSL_cleanse(buffer.data(), buffer.size());
    if (prepared.empty()) return make_error_code(Errc::invalid_argument);
    return prepared;
}

std::string escape_name(const std::string& name) {
    std::string out;
    for (const char c : name) {
        if (c == ',')
            out += "=2C";
        else if (c == '=')
            out += "=3D";
        else
            out += c;
    }
    return out;
}

/// The value of attribute `name` at the front of `rest`, which moves behind it. The order is fixed (RFC 5802 §5.1).
std::optional<std::string_view> take(std::string_view& rest, char name) {
    if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
    const auto comma = rest.find(',');
    const auto value = rest.substr(2, comma == std::string_view::npos ? comma : comma - 2);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    return value;
}

struct Challenge {
    std::string_view nonce;
    Bytes salt;
    int iterations = 0;
};

result<Challenge> parse_challenge(std::string_view text, std::string_view own_nonce) {
    const auto bad = make_error_code(Errc::protocol_violation);
    if (text.size() > kMaxScramMessage) return bad;
    const auto nonce = take(text, 'r');
    const auto salt = nonce ? take(text, 's') : std::nullopt;
    const auto count = salt ? take(text, 'i') : std::nullopt;
    if (!count || nonce->size() <= own_nonce.size() || nonce->substr(0, own_nonce.size()) != own_nonce) return bad;
    Challenge challenge{*nonce, {}, 0};
    auto decoded = base::from_base64(*salt);
    if (!decoded || decoded->empty()) return bad;
    challenge.salt = std::move(*decoded);
    const char* end = count->data() + count->size();
    const auto parsed = std::from_chars(count->data(), end, challenge.iterations);
    if (parsed.ec != std::errc() || parsed.ptr != end) return bad;
    if (challenge.iterations < kMinScramIterations || challenge.iterations > kMaxScramIterations) return bad;
    return challenge;
}

}  // namespace

result<std::string> Scram::first() {
    auto name = sasl_prepare(parameters_.user);
    auto password = sasl_prepare(parameters_.password);
    if (!name) return name.error();
    if (!password) return password.error();
    password_ = *password;
    first_bare_ = "n=" + escape_name(*name) + ",r=" + parameters_.nonce;
    return parameters_.gs2 + first_bare_;
}

result<std::string> Scram::final(std::string_view challenge) {
    auto parsed = parse_challenge(challenge, parameters_.nonce);
    if (!parsed) return parsed.error();
    const EVP_MD* digest = digest_of(parameters_.hash);
    Bytes salted(static_cast<std::size_t>(EVP_MD_get_size(digest)));
    PKCS5_PBKDF2_HMAC(password_.data(), static_cast<int>(password_.size()), parsed->salt.data(),
                      static_cast<int>(parsed->salt.size()), parsed->iterations, digest,
                      static_cast<int>(salted.size()), salted.data());
    Bytes binding(parameters_.gs2.begin(), parameters_.gs2.end());
    binding.insert(binding.end(), parameters_.channel_binding.begin(), parameters_.channel_binding.end());
    const std::string without_proof = "c=" + base::to_base64(binding) + ",r=" + std::string(parsed->nonce);
    const std::string message = first_bare_ + "," + std::string(challenge) + "," + without_proof;

    Bytes proof = hmac(digest, salted, "Client Key");
    const Bytes signature = hmac(digest, hash_of(digest, proof), message);
    for (std::size_t i = 0; i < proof.size(); ++i) proof[i] ^= signature[i];
    server_signature_ = hmac(digest, hmac(digest, salted, "Server Key"), message);
    OPENSSL_cleanse(salted.data(), salted.size());
    OPENSSL_cleanse(password_.data(), password_.size());
    return without_proof + ",p=" + base::to_base64(proof);
}

result<void> Scram::verify(std::string_view success) const {
    const auto bad = make_error_code(Errc::authentication_failed);
    if (server_signature_.empty() || success.size() > kMaxScramMessage) return bad;
    const auto value = take(success, 'v');
    if (!value) return bad;
    const auto signature = base::from_base64(*value);
    if (!signature || signature->size() != server_signature_.size()) return bad;
    if (CRYPTO_memcmp(signature->data(), server_signature_.data(), signature->size()) != 0) return bad;
    return {};
}

std::string random_nonce() {
    std::array<std::uint8_t, 24> bytes{};
    base::fill_random(bytes);
    return base::to_base64(bytes);
}

}  // namespace tubes::presence::xmpp
