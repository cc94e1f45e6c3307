// SPDX-License-Identifier: GPL-3.0-or-later
// Tubes that this side opened or accepted, and the local sockets at which they are reached.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "tubes/core/tube/broker.hpp"
#include "tubes/endpoints/local_end.hpp"
#include "tubes/engine/completion.hpp"

namespace tubes::engine {

class Engine;

/// On the loop.
class Tubes {
public:
    using Number = std::uint64_t;

    explicit Tubes(Engine& engine) : engine_(engine) {}

    void connect(ConnectOptions options, CompletionPointer<Tube> done);
    void connect(core::ConnectSpec spec, CompletionPointer<Tube> done);
    void accept_offer(const std::string& id, CompletionPointer<Tube> done);
    void take(const std::string& id, CompletionPointer<Tube> done);
    void answer(const std::string& id, bool accept, CompletionPointer<> done);

    void open_stream(const core::TubeId& id, CompletionPointer<Stream> done);
    void listen(const core::TubeId& id, const ListenOptions& options, CompletionPointer<Listener> done);
    void wait(const core::TubeId& id, CompletionPointer<> done);
    void close(const core::TubeId& id);
    void open_flow(const core::TubeId& id, CompletionPointer<DatagramFlow> done);
    /// Of a tube of ours.
    std::string service_of(const core::TubeId& id) const;
    /// Who we are in the room of a tube of ours; empty where it leads to a contact.
    std::string own_occupant(const core::TubeId& id) const;

    void wait_listener(Number number, CompletionPointer<> done);
    void close_listener(Number number);

    /// Of tubes that a standing "always" accepted.
    void on_tube_open(const core::TubeStatus& tube);
    void on_tube_closed(const core::TubeId& id, Errc reason);
    void close_all();

private:
    struct Record {
        TubeInfo info;
        bool is_taken = true;
        std::optional<Errc> closed;
        std::vector<CompletionPointer<>> waiting;
        std::set<Number> listeners;
    };
    struct Listening {
        core::TubeId tube;
        std::unique_ptr<endpoints::LocalEnd> end;  // null for descriptors
        std::vector<CompletionPointer<>> waiting;
        std::optional<error_code> ended;
    };

    core::Broker::TubeCallback callback(CompletionPointer<Tube> done);
    Tube handle(const core::TubeId& id, const TubeInfo& info);
    std::optional<core::PendingRequest> find_pending(const std::string& id) const;
    Listener add_listener(const core::TubeId& tube, std::unique_ptr<endpoints::LocalEnd> end, const Endpoint& endpoint);
    result<Listener> listen_on_socket(const core::TubeId& id, TubeKind kind, const ListenOptions& options);
    result<Listener> listen_on_descriptors(const core::TubeId& id, const Endpoint& endpoint);
    void end_listener(Number number, error_code reason);

    Engine& engine_;
    std::map<core::TubeId, Record> records_;
    Number next_number_ = 1;
    std::map<Number, Listening> listeners_;
};

}  // namespace tubes::engine
