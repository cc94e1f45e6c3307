// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps track of streams in use, so that closing a node reaches each.
#include "tubes/engine/streams.hpp"

namespace tubes::engine {
namespace {

// Sweeps when the list has doubled: constant work a stream.
template <class T>
void remember(std::vector<std::weak_ptr<T>>& list, const std::shared_ptr<T>& item) {
    if (list.size() == list.capacity()) std::erase_if(list, [](const auto& weak) { return weak.expired(); });
    list.push_back(item);
}

}  // namespace

Stream Streams::adopt(std::shared_ptr<core::Stream> stream) {
    auto core = StreamCore::make(loop_, std::move(stream));
    remember(adopted_, core);
    return Stream(std::move(core));
}

void Streams::join(std::shared_ptr<core::Stream> stream, std::unique_ptr<endpoints::LocalStream> local, Done done) {
    keep(endpoints::Splice::start(std::move(stream), std::move(local), std::move(done)));
}

void Streams::keep(const std::shared_ptr<endpoints::Joint>& joint) {
    remember(joined_, joint);
}

DatagramFlow Streams::adopt_flow(std::shared_ptr<core::Stream> flow) {
    auto core = FlowCore::make(loop_, std::move(flow));
    remember(flows_, core);
    return DatagramFlow(std::move(core));
}

void Streams::close() {
    for (const auto& weak : std::exchange(adopted_, {})) {
        if (auto stream = weak.lock()) stream->abandon();
    }
    for (const auto& weak : std::exchange(joined_, {})) {
        if (auto joint = weak.lock()) joint->abort(Errc::broken);
    }
    for (const auto& weak : std::exchange(flows_, {})) {
        if (auto flow = weak.lock()) flow->abandon();
    }
}

}  // namespace tubes::engine
