// SPDX-License-Identifier: GPL-3.0-or-later
// Checks UTF-8 as it arrives, so that nothing behind it has to. Spec: RFC 3629 §4.
#pragma once

#include <cstdint>
#include <string_view>

namespace tubes::presence::xmpp {

/// Accepts well-formed UTF-8 without NUL and other control characters that XML 1.0 §2.2 forbids.
class Utf8Validator {
public:
    /// One more byte; false if it cannot continue what came before. Stays false afterwards.
    bool feed(std::uint8_t byte) noexcept;
    /// No character is half finished.
    bool at_boundary() const noexcept { return remaining_ == 0 && !failed_; }

private:
    bool fail() noexcept;
    bool begin(std::uint8_t byte) noexcept;

    std::uint8_t remaining_ = 0;
    std::uint8_t low_ = 0x80;
    std::uint8_t high_ = 0xbf;
    bool failed_ = false;
};

/// True if the whole of `text` is well-formed and free of forbidden control characters.
bool is_clean_utf8(std::string_view text) noexcept;

}  // namespace tubes::presence::xmpp
