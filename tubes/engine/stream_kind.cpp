// SPDX-License-Identifier: GPL-3.0-or-later
// One stream of the link for each connection of a local program.
#include "tubes/engine/stream_kind.hpp"

#include "tubes/base/log.hpp"
#include "tubes/endpoints/acceptor.hpp"
#include "tubes/endpoints/connector.hpp"
#include "tubes/engine/engine.hpp"
#include "tubes/engine/streams.hpp"

namespace tubes::engine {
namespace {

void carry(Engine& engine, const core::TubeId& tube, std::unique_ptr<endpoints::LocalStream> local) {
    auto stream = engine.broker().open_stream(tube);
    if (stream) return engine.streams().join(std::move(*stream), std::move(local), [](error_code) {});
    base::logger("engine")->info("cannot open a stream: {}", stream.error().message());
    local->reset();
}

}  // namespace

bool StreamKind::takes_target(const Endpoint& target) const {
    switch (target.kind) {
        case Endpoint::Kind::in_process: return true;
        case Endpoint::Kind::tcp: return target.port != 0 && !target.host.empty();
        case Endpoint::Kind::unix_path:
        case Endpoint::Kind::unix_abstract: return !target.path.empty();
        case Endpoint::Kind::udp:
        case Endpoint::Kind::dbus: return false;
        case Endpoint::Kind::descriptors: return target.input >= 0 && target.output >= 0;
    }
    return false;
}

result<std::unique_ptr<endpoints::LocalEnd>> StreamKind::listen(Engine& engine, const core::TubeId& tube,
                                                                const ListenOptions& options) const {
    if (options.endpoint.kind == Endpoint::Kind::in_process) return make_error_code(Errc::invalid_argument);
    auto acceptor = endpoints::listen(engine.loop()->executor(), options);
    if (!acceptor) return acceptor.error();
    (*acceptor)->start([weak = engine.weak_from_this(), tube](std::unique_ptr<endpoints::LocalStream> local) {
        auto alive = weak.lock();
        if (!alive || alive->is_closed()) return local->reset();
        carry(*alive, tube, std::move(local));
    });
    return std::unique_ptr<endpoints::LocalEnd>(std::move(*acceptor));
}

// What the peer wrote meanwhile waits in the stream, bounded by its window.
void StreamKind::join_target(Engine& engine, const ShareInfo& share, const Endpoint& target,
                             std::shared_ptr<core::Stream> stream) const {
    auto joined = [weak = engine.weak_from_this(), stream, share](auto connected) {
        auto alive = weak.lock();
        if (!alive || alive->is_closed()) return stream->reset(Errc::broken);
        if (connected) return alive->streams().join(stream, std::move(*connected), [](error_code) {});
        // The peer learns only that the program is not there; why is for this side's user.
        stream->reset(Errc::connection_refused);
        base::logger("engine")->info("{}: cannot reach {}: {}", share.service, base::printable(share.target),
                                     connected.error().message());
        alive->events().push(TargetFailed{share.service, share.target, connected.error()});
    };
    endpoints::async_connect(engine.loop()->executor(), target, std::move(joined));
}

}  // namespace tubes::engine
