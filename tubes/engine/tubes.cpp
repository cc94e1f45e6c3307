// SPDX-License-Identifier: GPL-3.0-or-later
// Opening tubes and what is asked of open ones.
#include "tubes/engine/tubes.hpp"

#include "tubes/endpoints/descriptor_stream.hpp"
#include "tubes/engine/contacts.hpp"
#include "tubes/engine/convert.hpp"
#include "tubes/engine/engine.hpp"
#include "tubes/engine/handles.hpp"
#include "tubes/engine/rooms.hpp"
#include "tubes/engine/streams.hpp"
#include "tubes/engine/tube_kind.hpp"

namespace tubes::engine {

using core::TubeId;

namespace {

/// Without those that were cancelled: a program may wait again and again.
void add_waiting(std::vector<CompletionPointer<>>& waiting, CompletionPointer<> done) {
    std::erase_if(waiting, [](const auto& each) { return each->is_done(); });
    waiting.push_back(std::move(done));
}

}  // namespace

Tube Tubes::handle(const TubeId& id, const TubeInfo& info) {
    return Tube(std::make_shared<TubeCore>(engine_.loop(), engine_.weak_from_this(), id, info));
}

core::Broker::TubeCallback Tubes::callback(CompletionPointer<Tube> done) {
    return [engine = engine_.weak_from_this(), done = std::move(done)](result<core::TubeStatus> opened) {
        if (!opened) return done->fail(opened.error());
        auto alive = engine.lock();
        if (!alive || alive->is_closed()) return done->fail(Errc::cancelled);
        // Nobody waits any more: the operation was cancelled while the tube came up.
        if (done->is_done()) return alive->broker().close_tube(opened->id, Errc::cancelled);
        auto info = to_info(*opened, alive->crypto());
        auto& record = alive->tubes().records_[opened->id];
        record.info = info;
        record.is_taken = true;
        done->succeed(alive->tubes().handle(opened->id, info));
    };
}

void Tubes::connect(ConnectOptions options, CompletionPointer<Tube> done) {
    const auto who = engine_.contacts().resolve(options.contact, options.account);
    if (!who) return done->fail(who.error());
    core::ConnectSpec spec;
    spec.account = who->account;
    spec.contact = who->contact;
    if (!options.peer.empty()) spec.peer = core::PeerAddress{who->contact, options.peer};
    spec.service = options.service;
    spec.kind = options.kind;
    spec.parameters = options.parameters;
    spec.deadline = options.deadline;
    connect(std::move(spec), std::move(done));
}

void Tubes::connect(core::ConnectSpec spec, CompletionPointer<Tube> done) {
    if (!is_valid_service_name(spec.service)) return done->fail(Errc::invalid_argument);
    const auto* kind = find_tube_kind(spec.kind);
    if (!kind) return done->fail(Errc::unsupported);
    if (!kind->takes_service(spec.service)) return done->fail(Errc::invalid_argument);
    const auto id = engine_.broker().connect(std::move(spec), callback(done));
    done->on_cancel([engine = engine_.weak_from_this(), id] {
        if (auto alive = engine.lock(); alive && !alive->is_closed()) alive->broker().close_tube(id, Errc::cancelled);
    });
}

std::optional<core::PendingRequest> Tubes::find_pending(const std::string& id) const {
    for (auto& request : engine_.broker().pending()) {
        if (request.id.hex() == id) return request;
    }
    return std::nullopt;
}

void Tubes::accept_offer(const std::string& id, CompletionPointer<Tube> done) {
    const auto request = find_pending(id);
    if (!request || !request->is_offer) return done->fail(Errc::not_found);
    engine_.broker().answer(request->id, true, callback(std::move(done)));
}

void Tubes::answer(const std::string& id, bool accept, CompletionPointer<> done) {
    const auto request = find_pending(id);
    if (!request) return done->fail(Errc::not_found);
    // An accepted offer is a tube that somebody has to hold: accept_offer().
    if (request->is_offer && accept) return done->fail(Errc::invalid_argument);
    engine_.broker().answer(request->id, accept, [](const result<core::TubeStatus>&) {});
    done->succeed();
}

void Tubes::take(const std::string& id, CompletionPointer<Tube> done) {
    const auto key = TubeId::from_hex(id);
    const auto found = key ? records_.find(*key) : records_.end();
    if (found == records_.end() || found->second.is_taken) return done->fail(Errc::not_found);
    found->second.is_taken = true;
    done->succeed(handle(*key, found->second.info));
}

void Tubes::on_tube_open(const core::TubeStatus& tube) {
    if (tube.incoming) return;
    auto& record = records_[tube.id];
    record.info = to_info(tube, engine_.crypto());
    record.is_taken = false;
}

void Tubes::open_stream(const TubeId& id, CompletionPointer<Stream> done) {
    const auto found = records_.find(id);
    if (found == records_.end()) return done->fail(Errc::cancelled);
    if (found->second.closed) return done->fail(*found->second.closed);
    if (found->second.info.kind != TubeKind::stream) return done->fail(Errc::unsupported);
    auto stream = engine_.broker().open_stream(id);
    if (!stream) return done->fail(stream.error());
    done->succeed(engine_.streams().adopt(std::move(*stream)));
}

void Tubes::open_flow(const TubeId& id, CompletionPointer<DatagramFlow> done) {
    const auto found = records_.find(id);
    if (found == records_.end()) return done->fail(Errc::cancelled);
    if (found->second.closed) return done->fail(*found->second.closed);
    if (found->second.info.kind != TubeKind::datagram) return done->fail(Errc::unsupported);
    auto flow = engine_.broker().open_stream(id);
    if (!flow) return done->fail(flow.error());
    done->succeed(engine_.streams().adopt_flow(std::move(*flow)));
}

std::string Tubes::service_of(const TubeId& id) const {
    const auto found = records_.find(id);
    return found == records_.end() ? std::string() : found->second.info.service;
}

std::string Tubes::own_occupant(const TubeId& id) const {
    for (const auto& tube : engine_.broker().tubes()) {
        if (tube.id == id && tube.room) return engine_.rooms().self_in(tube.account, *tube.room);
    }
    return {};
}

void Tubes::wait(const TubeId& id, CompletionPointer<> done) {
    const auto found = records_.find(id);
    if (found == records_.end()) return done->fail(Errc::cancelled);
    if (found->second.closed) return done->fail(*found->second.closed);
    add_waiting(found->second.waiting, std::move(done));
}

void Tubes::on_tube_closed(const TubeId& id, Errc reason) {
    const auto found = records_.find(id);
    if (found == records_.end()) return;
    auto& record = found->second;
    record.closed = reason;
    for (auto& waiting : std::exchange(record.waiting, {})) waiting->fail(reason);
    for (const auto number : std::exchange(record.listeners, {})) end_listener(number, reason);
    if (!record.is_taken) records_.erase(id);
}

void Tubes::close(const TubeId& id) {
    if (!records_.contains(id)) return;
    engine_.broker().close_tube(id, Errc::cancelled);
    on_tube_closed(id, Errc::cancelled);
    records_.erase(id);
}

void Tubes::close_all() {
    while (!records_.empty()) close(records_.begin()->first);
    while (!listeners_.empty()) close_listener(listeners_.begin()->first);
}

void Tubes::listen(const TubeId& id, const ListenOptions& options, CompletionPointer<Listener> done) {
    const auto found = records_.find(id);
    if (found == records_.end()) return done->fail(Errc::cancelled);
    if (found->second.closed) return done->fail(*found->second.closed);
    const auto kind = found->second.info.kind;
    const bool is_pair = kind == TubeKind::stream && options.endpoint.kind == Endpoint::Kind::descriptors;
    auto listener = is_pair ? listen_on_descriptors(id, options.endpoint) : listen_on_socket(id, kind, options);
    if (!listener) return done->fail(listener.error());
    done->succeed(std::move(*listener));
}

result<Listener> Tubes::listen_on_socket(const TubeId& id, TubeKind kind, const ListenOptions& options) {
    const auto* support = find_tube_kind(kind);
    if (!support) return make_error_code(Errc::unsupported);
    auto end = support->listen(engine_, id, options);
    if (!end) return end.error();
    const auto endpoint = (*end)->endpoint();
    return add_listener(id, std::move(*end), endpoint);
}

result<Listener> Tubes::listen_on_descriptors(const TubeId& id, const Endpoint& endpoint) {
    auto local = endpoints::make_descriptor_stream(engine_.loop()->executor(), endpoint.input, endpoint.output);
    if (!local) return local.error();
    auto stream = engine_.broker().open_stream(id);
    if (!stream) return stream.error();
    const auto number = next_number_;
    auto listener = add_listener(id, nullptr, endpoint);
    engine_.streams().join(std::move(*stream), std::move(*local),
                           [engine = engine_.weak_from_this(), number](error_code reason) {
                               auto alive = engine.lock();
                               if (alive && !alive->is_closed()) alive->tubes().end_listener(number, reason);
                           });
    return listener;
}

Listener Tubes::add_listener(const TubeId& tube, std::unique_ptr<endpoints::LocalEnd> end, const Endpoint& endpoint) {
    const auto number = next_number_++;
    records_[tube].listeners.insert(number);
    auto& listening = listeners_[number];
    listening.tube = tube;
    listening.end = std::move(end);
    return Listener(std::make_shared<ListenerCore>(engine_.loop(), engine_.weak_from_this(), number, endpoint));
}

void Tubes::end_listener(Number number, error_code reason) {
    const auto found = listeners_.find(number);
    if (found == listeners_.end() || found->second.ended) return;
    auto& listening = found->second;
    listening.ended = reason;
    if (listening.end) listening.end->close();
    for (auto& waiting : std::exchange(listening.waiting, {})) waiting->finish(reason);
}

void Tubes::wait_listener(Number number, CompletionPointer<> done) {
    const auto found = listeners_.find(number);
    if (found == listeners_.end()) return done->fail(Errc::cancelled);
    if (found->second.ended) return done->finish(*found->second.ended);
    add_waiting(found->second.waiting, std::move(done));
}

void Tubes::close_listener(Number number) {
    end_listener(number, Errc::cancelled);
    const auto found = listeners_.find(number);
    if (found == listeners_.end()) return;
    const auto record = records_.find(found->second.tube);
    if (record != records_.end()) record->second.listeners.erase(number);
    listeners_.erase(found);
}

}  // namespace tubes::engine
