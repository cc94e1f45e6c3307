// SPDX-License-Identifier: GPL-3.0-or-later
// Names of signals.
#include "tubes/core/signaling/signals.hpp"

#include <array>

namespace tubes::core {

std::string_view name_of(const Signal& signal) noexcept {
    static constexpr std::array<std::string_view, std::variant_size_v<Signal>> kNames = {
        "offer",           "offer-end",    "link-initiate",  "link-pending",  "link-accept",
        "link-candidates", "link-restart", "link-terminate", "service-query", "ping"};
    return kNames[signal.index()];
}

}  // namespace tubes::core
