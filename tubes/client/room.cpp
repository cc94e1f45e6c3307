// SPDX-License-Identifier: LGPL-2.1-or-later
// The out-of-line part of Room.
#include "tubes/room.hpp"

#include "tubes/client/backend.hpp"
#include "tubes/client/reject.hpp"

namespace tubes {
inline namespace v0 {

Room::Room(std::shared_ptr<detail::RoomBackend> backend) : backend_(std::move(backend)) {}

Room& Room::operator=(Room&& other) noexcept {
    if (this == &other) return *this;
    close();
    backend_ = std::move(other.backend_);
    return *this;
}

Room::~Room() {
    close();
}

const std::string& Room::address() const {
    static const std::string none;
    return backend_ ? backend_->address() : none;
}

void Room::close() {
    if (backend_) backend_->close();
}

void Room::start_join(const std::shared_ptr<detail::NodeBackend>& node, RoomOptions options,
                      detail::Handler<Room> handler) {
    if (!node) return detail::reject<Room>(std::move(handler), Errc::invalid_argument);
    node->join_room(std::move(options), std::move(handler));
}

void Room::start_info(const Backend& backend, detail::Handler<RoomInfo> handler) {
    if (!backend) return detail::reject<RoomInfo>(std::move(handler), Errc::invalid_argument);
    backend->info(std::move(handler));
}

void Room::start_next(const Backend& backend, detail::Handler<RoomEvent> handler) {
    if (!backend) return detail::reject<RoomEvent>(std::move(handler), Errc::invalid_argument);
    backend->next(std::move(handler));
}

void Room::start_send(const Backend& backend, std::string text, std::string nick, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->send(std::move(text), std::move(nick), std::move(handler));
}

void Room::start_share(const Backend& backend, ShareOptions options, detail::Handler<Share> handler) {
    if (!backend) return detail::reject<Share>(std::move(handler), Errc::invalid_argument);
    backend->share(std::move(options), std::move(handler));
}

void Room::start_connect(const Backend& backend, ConnectOptions options, std::string nick,
                         detail::Handler<Tube> handler) {
    if (!backend) return detail::reject<Tube>(std::move(handler), Errc::invalid_argument);
    backend->connect(std::move(options), std::move(nick), std::move(handler));
}

}  // namespace v0
}  // namespace tubes
