// SPDX-License-Identifier: GPL-3.0-or-later
// Tube and Listener operations on their way to the loop.
#include "tubes/engine/handles.hpp"

namespace tubes::engine {

void TubeCore::open_stream(detail::Handler<Stream> handler) {
    run_on<Stream>(loop_, engine_, std::move(handler),
                   [id = id_](Engine& engine, auto done) { engine.tubes().open_stream(id, std::move(done)); });
}

void TubeCore::open_flow(detail::Handler<DatagramFlow> handler) {
    run_on<DatagramFlow>(loop_, engine_, std::move(handler),
                         [id = id_](Engine& engine, auto done) { engine.tubes().open_flow(id, std::move(done)); });
}

void TubeCore::listen(ListenOptions options, detail::Handler<Listener> handler) {
    run_on<Listener>(loop_, engine_, std::move(handler),
                     [id = id_, options = std::move(options)](Engine& engine, auto done) {
                         engine.tubes().listen(id, options, std::move(done));
                     });
}

void TubeCore::wait(detail::Handler<> handler) {
    run_on<>(loop_, engine_, std::move(handler),
             [id = id_](Engine& engine, auto done) { engine.tubes().wait(id, std::move(done)); });
}

void TubeCore::close() {
    loop_->post([engine = engine_, id = id_] {
        auto alive = engine.lock();
        if (alive && !alive->is_closed()) alive->tubes().close(id);
    });
}

void ListenerCore::wait(detail::Handler<> handler) {
    run_on<>(loop_, engine_, std::move(handler),
             [number = number_](Engine& engine, auto done) { engine.tubes().wait_listener(number, std::move(done)); });
}

void ListenerCore::close() {
    loop_->post([engine = engine_, number = number_] {
        auto alive = engine.lock();
        if (alive && !alive->is_closed()) alive->tubes().close_listener(number);
    });
}

}  // namespace tubes::engine
