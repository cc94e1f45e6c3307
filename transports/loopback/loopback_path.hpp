// SPDX-License-Identifier: GPL-3.0-or-later
// Two ends of a message path inside one process and on one loop: for tests and benchmarks of what stands above.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <utility>

#include "tubes/core/ports/message_path.hpp"

namespace tubes::transports {

/// How a loopback pair behaves.
struct LoopbackOptions {
    /// Bytes that may be under way in each direction before send() says "full"; one message always fits.
    std::size_t buffer_bytes = 256 * 1024;
};

/// Both ends of a new path with a fresh common channel binding. Messages arrive in a later turn of the loop.
std::pair<std::unique_ptr<core::ports::MessagePath>, std::unique_ptr<core::ports::MessagePath>> make_loopback_pair(
    boost::asio::any_io_executor executor, LoopbackOptions options = {});

}  // namespace tubes::transports
