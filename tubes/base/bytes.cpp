// SPDX-License-Identifier: GPL-3.0-or-later
// Printed forms of bytes, and randomness from the kernel.
#include "tubes/base/bytes.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace tubes::base {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string to_hex(ByteView bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text.push_back(kHexDigits[byte >> 4]);
        text.push_back(kHexDigits[byte & 15]);
    }
    return text;
}

result<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return make_error_code(Errc::invalid_argument);
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return make_error_code(Errc::invalid_argument);
        bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return bytes;
}

std::string to_base64(ByteView bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0U);
        for (std::size_t k = 0; k < 4; ++k) {
            text.push_back(k <= count ? kBase64Digits[group >> (18 - 6 * k) & 63] : '=');
        }
    }
    return text;
}

result<Bytes> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return make_error_code(Errc::invalid_argument);
    Bytes bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t padding = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const char c = text[i + k];
            const bool may_pad = i + 4 == text.size() && k >= 2;
            const auto digit = kBase64Digits.find(c);
            if (c == '=' && may_pad) {
                ++padding;
            } else if (digit == std::string_view::npos || padding != 0) {
                return make_error_code(Errc::invalid_argument);
            }
            group = group << 6 | (c == '=' ? 0U : static_cast<std::uint32_t>(digit));
        }
        for (std::size_t k = 0; k + padding < 3; ++k) bytes.push_back(static_cast<std::uint8_t>(group >> (16 - 8 * k)));
    }
    if (to_base64(bytes) != text) return make_error_code(Errc::invalid_argument);  // non-canonical trailing bits
    return bytes;
}

void fill_random(MutableByteView out) noexcept {
    while (!out.empty()) {
        const ssize_t count = ::getrandom(out.data(), out.size(), 0);
        if (count > 0) {
            out = out.subspan(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            std::abort();
        }
    }
}

}  // namespace tubes::base
