// SPDX-License-Identifier: GPL-3.0-or-later
// The message paths that the contract suite runs over. A new path adds one line to path_pair_kinds().
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tubes/core/ports/message_path.hpp"

namespace tubes::contract {

/// Both ends of an open path, before start().
struct PathPair {
    std::unique_ptr<core::ports::MessagePath> first;
    std::unique_ptr<core::ports::MessagePath> second;
    /// Puts bytes that no honest peer sends on the wire towards `second`; empty where nobody can.
    std::function<void()> send_garbage_to_second;
    /// Whatever has to outlive the paths.
    std::shared_ptr<void> surroundings;
};

/// One kind of path under test.
struct PathPairKind {
    std::string name;
    /// Makes an open pair, running the loop as long as it needs to.
    std::function<PathPair(boost::asio::io_context&)> make;
};

inline void PrintTo(const PathPairKind& kind, std::ostream* out) {
    *out << kind.name;
}

/// The visible list.
std::vector<PathPairKind> path_pair_kinds();

/// Runs the loop until `done` says so; false if `deadline` passed before.
bool run_until(boost::asio::io_context& loop, const std::function<bool()>& done,
               std::chrono::seconds deadline = std::chrono::seconds(10));

}  // namespace tubes::contract
