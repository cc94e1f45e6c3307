// SPDX-License-Identifier: LGPL-2.1-or-later
// Opening a node whose engine runs in this process. Programs that call this link tubes-engine, which is GPL-3.0.
#pragma once

#include "tubes/export.hpp"
#include "tubes/node.hpp"

namespace tubes {
inline namespace v0 {

/// Opens a node. Reads the profile's configuration, makes its identity key on first use, begins to log its accounts
/// in. Blocks for file access only. state_too_new, state_corrupt (the file was kept aside; call again to start with
/// an empty one), invalid_argument (profile name), already_exists (the resource name is in use by a running node).
TUBES_API result<Node> open_node(NodeOptions options = {});

}  // namespace v0
}  // namespace tubes
