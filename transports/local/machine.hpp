// SPDX-License-Identifier: GPL-3.0-or-later
// Whether two nodes run where an abstract Unix socket connects them.
// Spec: docs/protocol.md, "Same machine".
#pragma once

#include <optional>

#include "tubes/core/ids.hpp"

namespace tubes::transports {

/// A value that two ends of link `link` compute alike if and only if they run on the same boot of the same machine
/// and in the same network and user namespaces: SHA-256 over "tubes machine v1", machine id, boot id, the two
/// namespaces and the link id. It tells a peer elsewhere nothing and differs from link to link. Nothing if /proc
/// does not say enough. Reads small files.
std::optional<core::Digest> machine_mark(const core::LinkId& link);

}  // namespace tubes::transports
