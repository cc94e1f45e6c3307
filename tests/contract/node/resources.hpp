// SPDX-License-Identifier: GPL-3.0-or-later
// What this process holds, for tests that nothing is left behind.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <thread>

#include "tests/contract/node/node_fixture.hpp"

namespace tubes::test {

inline std::size_t entries_of(const char* directory) {
    const std::filesystem::directory_iterator entries(directory);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

inline std::size_t threads_of_this_process() {
    return entries_of("/proc/self/task");
}

struct Resources {
    std::size_t descriptors = 0;
    std::size_t threads = 0;
    std::size_t heap_bytes = 0;  ///< In use; 0 where a sanitizer replaces the allocator.

    static Resources now() { return {entries_of("/proc/self/fd"), threads_of_this_process(), ::mallinfo2().uordblks}; }

    /// As soon as there are no more than `threads`: one that was joined stays in /proc for a moment.
    static Resources settled(std::size_t threads) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (threads_of_this_process() > threads && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::yield();
        }
        return now();
    }
};

/// Waits until the node has no tube left.
inline void settle(Node& node) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!value(node.async_status(kFuture)).tubes.empty()) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "tubes stay";
    }
}

}  // namespace tubes::test
