// SPDX-License-Identifier: GPL-3.0-or-later
// The clock for deadlines that must count the time during which the machine slept.
#pragma once

#include <chrono>

namespace tubes::base {

/// CLOCK_BOOTTIME: only grows, and goes on while the machine is suspended, unlike std::chrono::steady_clock::now().
/// Values of the two must not be mixed.
std::chrono::steady_clock::time_point boot_time() noexcept;

}  // namespace tubes::base
