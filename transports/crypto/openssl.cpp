// SPDX-License-Identifier: GPL-3.0-or-later
// OpenSSL's error queue as text.
#include "transports/crypto/openssl.hpp"

#include <openssl/err.h>

#include <array>
#include <stdexcept>

namespace tubes::transports {

std::string take_openssl_errors() {
    std::string text;
    std::array<char, 256> line{};
    while (const auto code = ERR_get_error()) {
        ERR_error_string_n(code, line.data(), line.size());
        if (!text.empty()) text += "; ";
        text += line.data();
    }
    return text;
}

void throw_openssl_error(const char* operation) {
    throw std::runtime_error(std::string(operation) + ": " + take_openssl_errors());
}

}  // namespace tubes::transports
