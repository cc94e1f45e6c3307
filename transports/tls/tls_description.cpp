// SPDX-License-Identifier: GPL-3.0-or-later
// Reads and writes the attributes of a TLS end.
#include "transports/tls/tls_description.hpp"

namespace tubes::transports {

core::ports::Attributes describe(const TlsContext& context) {
    return {{"fingerprint", context.certificate().fingerprint_text()}, {"token", context.own_token().hex()}};
}

result<TlsDescription> parse_tls_description(const core::ports::Attributes& attributes) {
    const auto fingerprint = attributes.find("fingerprint");
    const auto token = attributes.find("token");
    if (fingerprint == attributes.end() || token == attributes.end()) return make_error_code(Errc::protocol_violation);
    const auto digest = parse_fingerprint(fingerprint->second);
    const auto secret = PathToken::from_hex(token->second);
    if (!digest || !secret) return make_error_code(Errc::protocol_violation);
    return TlsDescription{*digest, *secret};
}

}  // namespace tubes::transports
