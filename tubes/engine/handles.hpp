// SPDX-License-Identifier: GPL-3.0-or-later
// What Tube and Listener objects hold: names, and the way to the loop.
#pragma once

#include <memory>

#include "tubes/client/backend.hpp"
#include "tubes/engine/completion.hpp"
#include "tubes/engine/engine.hpp"
#include "tubes/engine/tubes.hpp"

namespace tubes::engine {

/// Any thread may call.
class TubeCore final : public detail::TubeBackend {
public:
    TubeCore(std::shared_ptr<Loop> loop, std::weak_ptr<Engine> engine, core::TubeId id, TubeInfo info)
        : loop_(std::move(loop)), engine_(std::move(engine)), id_(id), info_(std::move(info)) {}

    const TubeInfo& info() const override { return info_; }
    void open_stream(detail::Handler<Stream> handler) override;
    void open_flow(detail::Handler<DatagramFlow> handler) override;
    void listen(ListenOptions options, detail::Handler<Listener> handler) override;
    void wait(detail::Handler<> handler) override;
    void close() override;

private:
    std::shared_ptr<Loop> loop_;
    std::weak_ptr<Engine> engine_;
    core::TubeId id_;
    TubeInfo info_;
};

/// Any thread may call.
class ListenerCore final : public detail::ListenerBackend {
public:
    ListenerCore(std::shared_ptr<Loop> loop, std::weak_ptr<Engine> engine, Tubes::Number number, Endpoint endpoint)
        : loop_(std::move(loop)), engine_(std::move(engine)), number_(number), endpoint_(std::move(endpoint)) {}

    Endpoint endpoint() const override { return endpoint_; }
    void wait(detail::Handler<> handler) override;
    void close() override;

private:
    std::shared_ptr<Loop> loop_;
    std::weak_ptr<Engine> engine_;
    Tubes::Number number_;
    Endpoint endpoint_;
};

/// Runs `task(engine, done)` on the loop; ends with cancelled where the node is closed, forked in a child.
template <class... Results, class Task>
void run_on(const std::shared_ptr<Loop>& loop, std::weak_ptr<Engine> engine, detail::Handler<Results...> handler,
            Task task) {
    auto done = Completion<Results...>::make(loop, std::move(handler));
    auto run = [engine = std::move(engine), done, task = std::move(task)]() mutable {
        auto alive = engine.lock();
        if (!alive || alive->is_closed()) return done->fail(Errc::cancelled);
        if (done->is_done()) return;
        task(*alive, std::move(done));
    };
    if (const auto refused = loop->post(std::move(run))) done->fail(*refused);
}

}  // namespace tubes::engine
