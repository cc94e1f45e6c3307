// SPDX-License-Identifier: GPL-3.0-or-later
// The transports that path_probe can try; the list mirrors the engine's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "tubes/core/ports/transport.hpp"

namespace tubes::netlab {

/// One of each kind that works between machines, on the loop of `context`, which outlives them.
std::vector<std::unique_ptr<core::ports::Transport>> make_transports(boost::asio::io_context& context);

}  // namespace tubes::netlab
