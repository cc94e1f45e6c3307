// SPDX-License-Identifier: LGPL-2.1-or-later
// The out-of-line parts of Share, Listener, Tube and Events.
#include "tubes/client/backend.hpp"
#include "tubes/client/reject.hpp"
#include "tubes/node.hpp"

namespace tubes {
inline namespace v0 {
namespace {

// One shape for all four: what goes away is closed first.
template <class Backend>
void replace(std::shared_ptr<Backend>& held, std::shared_ptr<Backend>&& next) {
    if (held && held != next) held->close();
    held = std::move(next);
}

const std::string& empty_text() {
    static const std::string text;
    return text;
}

}  // namespace

Share::Share(std::shared_ptr<detail::ShareBackend> backend) : backend_(std::move(backend)) {}

Share& Share::operator=(Share&& other) noexcept {
    if (this != &other) replace(backend_, std::move(other.backend_));
    return *this;
}

Share::~Share() {
    close();
}

const std::string& Share::service() const {
    return backend_ ? backend_->service() : empty_text();
}

const std::string& Share::offer_id() const {
    return backend_ ? backend_->offer_id() : empty_text();
}

Endpoint Share::target() const {
    return backend_ ? backend_->target() : Endpoint();
}

void Share::close() {
    if (backend_) backend_->close();
}

void Share::start_accept(const std::shared_ptr<detail::ShareBackend>& backend, detail::Handler<Stream> handler) {
    if (!backend) return detail::reject<Stream>(std::move(handler), Errc::invalid_argument);
    backend->accept(std::move(handler));
}

void Share::start_accept_flow(const std::shared_ptr<detail::ShareBackend>& backend,
                              detail::Handler<DatagramFlow> handler) {
    if (!backend) return detail::reject<DatagramFlow>(std::move(handler), Errc::invalid_argument);
    backend->accept_flow(std::move(handler));
}

Listener::Listener(std::shared_ptr<detail::ListenerBackend> backend) : backend_(std::move(backend)) {}

Listener& Listener::operator=(Listener&& other) noexcept {
    if (this != &other) replace(backend_, std::move(other.backend_));
    return *this;
}

Listener::~Listener() {
    close();
}

Endpoint Listener::endpoint() const {
    return backend_ ? backend_->endpoint() : Endpoint();
}

void Listener::close() {
    if (backend_) backend_->close();
}

void Listener::start_wait(const std::shared_ptr<detail::ListenerBackend>& backend, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->wait(std::move(handler));
}

Tube::Tube(std::shared_ptr<detail::TubeBackend> backend) : backend_(std::move(backend)) {}

Tube& Tube::operator=(Tube&& other) noexcept {
    if (this != &other) replace(backend_, std::move(other.backend_));
    return *this;
}

Tube::~Tube() {
    close();
}

const TubeInfo& Tube::info() const {
    static const TubeInfo empty;
    return backend_ ? backend_->info() : empty;
}

void Tube::close() {
    if (backend_) backend_->close();
}

void Tube::start_open(const std::shared_ptr<detail::TubeBackend>& backend, detail::Handler<Stream> handler) {
    if (!backend) return detail::reject<Stream>(std::move(handler), Errc::invalid_argument);
    backend->open_stream(std::move(handler));
}

void Tube::start_open_flow(const std::shared_ptr<detail::TubeBackend>& backend, detail::Handler<DatagramFlow> handler) {
    if (!backend) return detail::reject<DatagramFlow>(std::move(handler), Errc::invalid_argument);
    backend->open_flow(std::move(handler));
}

void Tube::start_listen(const std::shared_ptr<detail::TubeBackend>& backend, ListenOptions options,
                        detail::Handler<Listener> handler) {
    if (!backend) return detail::reject<Listener>(std::move(handler), Errc::invalid_argument);
    backend->listen(std::move(options), std::move(handler));
}

void Tube::start_wait(const std::shared_ptr<detail::TubeBackend>& backend, detail::Handler<> handler) {
    if (!backend) return detail::reject<>(std::move(handler), Errc::invalid_argument);
    backend->wait(std::move(handler));
}

Events::Events(std::shared_ptr<detail::EventsBackend> backend) : backend_(std::move(backend)) {}

Events& Events::operator=(Events&& other) noexcept {
    if (this != &other) replace(backend_, std::move(other.backend_));
    return *this;
}

Events::~Events() {
    if (backend_) backend_->close();
}

void Events::start_next(const std::shared_ptr<detail::EventsBackend>& backend, detail::Handler<Event> handler) {
    if (!backend) return detail::reject<Event>(std::move(handler), Errc::invalid_argument);
    backend->next(std::move(handler));
}

}  // namespace v0
}  // namespace tubes
