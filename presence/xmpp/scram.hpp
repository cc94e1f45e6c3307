// SPDX-License-Identifier: GPL-3.0-or-later
// SCRAM, the client's half, without input or output. Spec: RFC 5802, RFC 7677; -PLUS: RFC 5929, RFC 9266.
#pragma once

#include <string>
#include <string_view>

#include "tubes/base/bytes.hpp"
#include "tubes/error.hpp"

namespace tubes::presence::xmpp {

enum class ScramHash : std::uint8_t { sha1, sha256 };

inline constexpr int kMinScramIterations = 4096;       // RFC 7677 §4
inline constexpr int kMaxScramIterations = 1'000'000;  // about a second of work; a server must not ask for more
inline constexpr std::size_t kMaxScramMessage = 4096;  // bytes of one server message

/// What the exchange starts from.
struct ScramParameters {
    ScramHash hash = ScramHash::sha256;
    std::string user;             ///< The local part of the address, prepared.
    std::string password;         ///< As typed; prepared by SASLprep (RFC 4013) here.
    std::string gs2 = "n,,";      ///< "n,,", "y,," or "p=<type>,," (RFC 5802 §6).
    base::Bytes channel_binding;  ///< The binding's data, with "p=" only.
    std::string nonce;            ///< The client's, printable; random_nonce() outside of tests.
};

/// One exchange: first(), then final() on the server's challenge, then verify() on its last word.
class Scram {
public:
    explicit Scram(ScramParameters parameters) : parameters_(std::move(parameters)) {}

    /// The client-first-message. Errc::invalid_argument for a name or password SASLprep forbids.
    result<std::string> first();
    /// The client-final-message. Errc::protocol_violation for a challenge that is malformed, asks for fewer or more
    /// iterations than the limits, or does not continue our nonce.
    result<std::string> final(std::string_view challenge);
    /// The server proves that it knows the password too. Errc::authentication_failed if not: it is an impostor.
    result<void> verify(std::string_view success) const;

private:
    ScramParameters parameters_;
    std::string first_bare_;
    std::string password_;
    base::Bytes server_signature_;
};

/// 24 random bytes in base64.
std::string random_nonce();

}  // namespace tubes::presence::xmpp
