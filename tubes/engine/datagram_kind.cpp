// SPDX-License-Identifier: GPL-3.0-or-later
// One flow of the link for each local program, and one socket towards the shared one for each flow.
#include "tubes/engine/datagram_kind.hpp"

#include "tubes/base/log.hpp"
#include "tubes/endpoints/udp.hpp"
#include "tubes/engine/engine.hpp"
#include "tubes/engine/streams.hpp"
#include "tubes/engine/tubes.hpp"

namespace tubes::engine {
namespace {

endpoints::UdpEvents events_of(Engine& engine, const std::string& service, const std::string& target) {
    endpoints::UdpEvents events;
    events.on_too_large = [weak = engine.weak_from_this(), service](std::size_t size, std::size_t largest) {
        base::logger("engine")->warn("{}: dropped a datagram of {} bytes, the tube carries {}", service, size, largest);
        auto alive = weak.lock();
        if (alive && !alive->is_closed()) alive->events().push(DatagramTooLarge{service, size, largest});
    };
    events.on_unreachable = [weak = engine.weak_from_this(), service, target](error_code reason) {
        base::logger("engine")->info("{}: cannot reach {}: {}", service, base::printable(target), reason.message());
        auto alive = weak.lock();
        if (alive && !alive->is_closed()) alive->events().push(TargetFailed{service, target, reason});
    };
    return events;
}

}  // namespace

bool DatagramKind::takes_target(const Endpoint& target) const {
    if (target.kind == Endpoint::Kind::in_process) return true;
    return target.kind == Endpoint::Kind::udp && target.port != 0 && !target.host.empty();
}

result<std::unique_ptr<endpoints::LocalEnd>> DatagramKind::listen(Engine& engine, const core::TubeId& tube,
                                                                  const ListenOptions& options) const {
    auto listener = endpoints::UdpListener::make(engine.loop()->executor(), options);
    if (!listener) return listener.error();
    auto open_flow = [weak = engine.weak_from_this(), tube]() -> result<std::shared_ptr<core::Stream>> {
        auto alive = weak.lock();
        if (!alive || alive->is_closed()) return make_error_code(Errc::broken);
        return alive->broker().open_stream(tube);
    };
    const auto service = engine.tubes().service_of(tube);
    (*listener)->start(std::move(open_flow), events_of(engine, service, ""));
    return std::unique_ptr<endpoints::LocalEnd>(std::move(*listener));
}

void DatagramKind::join_target(Engine& engine, const ShareInfo& share, const Endpoint& target,
                               std::shared_ptr<core::Stream> stream) const {
    engine.streams().keep(endpoints::join_udp(engine.loop()->executor(), target, std::move(stream),
                                              events_of(engine, share.service, share.target)));
}

}  // namespace tubes::engine
