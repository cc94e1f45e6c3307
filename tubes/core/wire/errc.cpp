// SPDX-License-Identifier: GPL-3.0-or-later
// Error codes as numbers on the wire.
#include "tubes/core/wire/errc.hpp"

namespace tubes::wire {

bool is_known_errc(std::uint64_t value) noexcept {
    return value >= static_cast<std::uint64_t>(Errc::end_of_stream) &&
           value <= static_cast<std::uint64_t>(Errc::message_too_large);
}

Errc errc_from_wire(std::uint64_t value) noexcept {
    return is_known_errc(value) ? static_cast<Errc>(value) : Errc::cancelled;
}

std::uint32_t errc_to_wire(const error_code& code) noexcept {
    const auto value = static_cast<std::uint32_t>(code.value());
    if (code.category() != tubes_category() || !is_known_errc(value)) return static_cast<std::uint32_t>(Errc::internal);
    return value;
}

}  // namespace tubes::wire
