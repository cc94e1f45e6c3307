// SPDX-License-Identifier: GPL-3.0-or-later
// Says in one line why a link is relayed.
#pragma once

#include <string>
#include <vector>

#include "tubes/core/negotiation/attempt_runner.hpp"

namespace tubes::core {

/// True for kinds that pass through a relay or a messaging server.
bool is_relayed(PathKind kind) noexcept;

/// One line for people: which direct kinds were tried and how each failed. Empty when `active` is direct.
std::string why_relayed(PathKind active, const std::vector<AttemptReport>& reports, AddressPolicy addresses);

}  // namespace tubes::core
