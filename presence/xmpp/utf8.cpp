// SPDX-License-Identifier: GPL-3.0-or-later
// The byte ranges of RFC 3629 §4, one byte at a time.
#include "presence/xmpp/utf8.hpp"

namespace tubes::presence::xmpp {

bool Utf8Validator::fail() noexcept {
    failed_ = true;
    return false;
}

bool Utf8Validator::begin(std::uint8_t byte) noexcept {
    low_ = 0x80;
    high_ = 0xbf;
    if (byte < 0x80) return byte >= 0x20 || byte == '\t' || byte == '\n' || byte == '\r' || fail();
    if (byte >= 0xc2 && byte <= 0xdf) {
        remaining_ = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
        remaining_ = 2;
        if (byte == 0xe0) low_ = 0xa0;   // overlong
        if (byte == 0xed) high_ = 0x9f;  // surrogates
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        remaining_ = 3;
        if (byte == 0xf0) low_ = 0x90;   // overlong
        if (byte == 0xf4) high_ = 0x8f;  // above U+10FFFF
    } else {
        return fail();
    }
    return true;
}

bool Utf8Validator::feed(std::uint8_t byte) noexcept {
    if (failed_) return false;
    if (remaining_ == 0) return begin(byte);
    if (byte < low_ || byte > high_) return fail();
    low_ = 0x80;
    high_ = 0xbf;
    --remaining_;
    return true;
}

bool is_clean_utf8(std::string_view text) noexcept {
    Utf8Validator validator;
    for (const char c : text) {
        if (!validator.feed(static_cast<std::uint8_t>(c))) return false;
    }
    return validator.at_boundary();
}

}  // namespace tubes::presence::xmpp
