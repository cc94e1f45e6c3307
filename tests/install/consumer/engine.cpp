// SPDX-License-Identifier: GPL-3.0-or-later
// Opens a node of the installed engine and asks it for its status.
#include <boost/asio/use_future.hpp>
#include <cstdio>
#include <tubes/engine.hpp>

int main(int argc, char** argv) {
    tubes::NodeOptions options;
    if (argc > 1) options.home = argv[1];
    auto node = tubes::open_node(options);
    if (!node) {
        std::printf("engine: %s\n", node.error().message().c_str());
        return node.error().category() == tubes::tubes_category() ? 2 : 3;
    }
    const tubes::Status status = node->async_status(boost::asio::use_future).get();
    std::printf("engine: %zu shares\n", status.shares.size());
    return status.shares.empty() ? 0 : 1;
}
