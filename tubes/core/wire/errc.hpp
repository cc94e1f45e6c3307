// SPDX-License-Identifier: GPL-3.0-or-later
// Error codes as numbers on the wire.
#pragma once

#include <cstdint>

#include "tubes/error.hpp"

namespace tubes::wire {

/// Whether a number from the wire is an Errc that this version knows.
bool is_known_errc(std::uint64_t value) noexcept;

/// The Errc of that number; a peer's newer one becomes Errc::cancelled, which ends the same things without claiming
/// a cause.
Errc errc_from_wire(std::uint64_t value) noexcept;

/// The number under which `code` travels; anything but a tubes error is Errc::internal.
std::uint32_t errc_to_wire(const error_code& code) noexcept;

}  // namespace tubes::wire
