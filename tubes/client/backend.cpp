// SPDX-License-Identifier: LGPL-2.1-or-later
// Gives the backends' type information one home.
#include "tubes/client/backend.hpp"

#include "tubes/client/reject.hpp"

namespace tubes {
inline namespace v0 {
namespace detail {

StreamBackend::~StreamBackend() = default;
FlowBackend::~FlowBackend() = default;
ShareBackend::~ShareBackend() = default;
ListenerBackend::~ListenerBackend() = default;
TubeBackend::~TubeBackend() = default;
EventsBackend::~EventsBackend() = default;
RoomBackend::~RoomBackend() = default;
NodeBackend::~NodeBackend() = default;

void NodeBackend::diagnose(Handler<std::vector<Finding>> handler) {
    reject<std::vector<Finding>>(std::move(handler), Errc::unsupported);
}

void NodeBackend::join_room(RoomOptions, Handler<Room> handler) {
    reject<Room>(std::move(handler), Errc::unsupported);
}

}  // namespace detail
}  // namespace v0
}  // namespace tubes
