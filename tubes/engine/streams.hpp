// SPDX-License-Identifier: GPL-3.0-or-later
// The streams of a node that the application or a local program uses.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "tubes/endpoints/splice.hpp"
#include "tubes/engine/flow_core.hpp"
#include "tubes/engine/stream_core.hpp"

namespace tubes::engine {

/// On the loop.
class Streams {
public:
    using Done = std::function<void(error_code)>;

    explicit Streams(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

    /// A stream for the application itself.
    Stream adopt(std::shared_ptr<core::Stream> stream);
    /// A flow for the application itself.
    DatagramFlow adopt_flow(std::shared_ptr<core::Stream> flow);
    /// Joins a stream to a local program's connection; `done` when both are over.
    void join(std::shared_ptr<core::Stream> stream, std::unique_ptr<endpoints::LocalStream> local, Done done);
    /// Remembers what joins a stream to a program.
    void keep(const std::shared_ptr<endpoints::Joint>& joint);
    /// The node closes: nothing of the link is touched after this.
    void close();

private:
    std::shared_ptr<Loop> loop_;
    std::vector<std::weak_ptr<StreamCore>> adopted_;
    std::vector<std::weak_ptr<FlowCore>> flows_;
    std::vector<std::weak_ptr<endpoints::Joint>> joined_;
};

}  // namespace tubes::engine
