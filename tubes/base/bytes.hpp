// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes: owned and borrowed buffers, fixed-size ids and their printed forms.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tubes/error.hpp"

namespace tubes::base {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

/// Borrows the characters of `text` as bytes.
inline ByteView as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Borrows bytes as characters; says nothing about their encoding.
inline std::string_view as_text(ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hexadecimal, two characters a byte.
std::string to_hex(ByteView bytes);

/// The bytes of a hexadecimal string of even length in either case; Errc::invalid_argument otherwise.
result<Bytes> from_hex(std::string_view text);

/// Standard base64 with padding (RFC 4648 §4).
std::string to_base64(ByteView bytes);

/// Decodes canonical, padded base64; Errc::invalid_argument otherwise.
result<Bytes> from_base64(std::string_view text);

/// Fills `out` from the kernel's random number generator. Aborts if the kernel has none: nothing safe can follow.
void fill_random(MutableByteView out) noexcept;

/// A fixed-size opaque value with value semantics. `Tag` makes ids of different things different types.
template <class Tag, std::size_t Size>
struct FixedBytes {
    static constexpr std::size_t kSize = Size;
    std::array<std::uint8_t, Size> bytes{};

    auto operator<=>(const FixedBytes&) const = default;
    ByteView view() const noexcept { return bytes; }
    std::string hex() const { return to_hex(bytes); }

    /// Exactly Size bytes; Errc::invalid_argument otherwise.
    static result<FixedBytes> from_bytes(ByteView view) {
        if (view.size() != Size) return make_error_code(Errc::invalid_argument);
        FixedBytes value;
        std::copy(view.begin(), view.end(), value.bytes.begin());
        return value;
    }
    static result<FixedBytes> from_hex(std::string_view text) {
        auto decoded = base::from_hex(text);
        if (!decoded) return decoded.error();
        return from_bytes(*decoded);
    }
    static FixedBytes random() {
        FixedBytes value;
        fill_random(value.bytes);
        return value;
    }
};

}  // namespace tubes::base
