// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the kernel's clock.
#include "tubes/base/clock.hpp"

#include <time.h>

namespace tubes::base {

std::chrono::steady_clock::time_point boot_time() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto since = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    return std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(since));
}

}  // namespace tubes::base
