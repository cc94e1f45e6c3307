// SPDX-License-Identifier: GPL-3.0-or-later
// Which errors may cross the network as reasons, in either direction.
#pragma once

#include "tubes/error.hpp"

namespace tubes::core {

/// Our error of `error`; `otherwise` for errors of other categories.
Errc to_errc(const error_code& error, Errc otherwise) noexcept;

/// A reason that a peer gave, or `broken` if no peer has business giving it (docs/protocol.md, "Reasons").
Errc from_peer(Errc reason) noexcept;

}  // namespace tubes::core
