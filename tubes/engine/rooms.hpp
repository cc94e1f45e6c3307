// SPDX-License-Identifier: GPL-3.0-or-later
// The rooms of a node: joined by Room objects, their events, and what is shared and opened in them.
#pragma once

#include <deque>
#include <map>

#include "tubes/core/tube/broker.hpp"
#include "tubes/engine/completion.hpp"
#include "tubes/room.hpp"

namespace tubes::engine {

class Engine;

/// On the loop. Public objects name a room by its number.
class Rooms {
public:
    using Number = std::uint64_t;

    explicit Rooms(Engine& engine) : engine_(engine) {}

    void join(RoomOptions options, CompletionPointer<Room> done);
    void info(Number number, CompletionPointer<RoomInfo> done) const;
    void next(Number number, CompletionPointer<RoomEvent> done);
    void send(Number number, const std::string& text, const std::string& nick, CompletionPointer<> done);
    void share(Number number, ShareOptions options, CompletionPointer<Share> done);
    void connect(Number number, ConnectOptions options, const std::string& nick, CompletionPointer<Tube> done);
    void close(Number number);
    void close_all();

    /// Who we are in a room: the contact address of our occupant; empty if we are not there.
    std::string self_in(const core::ports::AccountName& account, const core::ContactAddress& room) const;
    bool is_room(const core::ContactAddress& address) const;

    void on_event(const core::ports::AccountName& account, const core::ports::RoomEvent& event);

private:
    struct Entry {
        core::ports::AccountName account;
        core::ContactAddress room;
        CompletionPointer<Room> joining;
        std::unique_ptr<core::ports::Scheduler::Timer> deadline;
        std::deque<RoomEvent> events;
        std::size_t lost = 0;
        CompletionPointer<RoomEvent> waiting;
        bool is_over = false;
    };
    struct Place {
        core::ports::AccountName account;
        core::ContactAddress room;
    };

    result<Place> resolve(const RoomOptions& options) const;
    core::ports::Rooms* port(const Entry& entry) const;
    void fail_join(Number number, Errc reason);
    void push(Entry& entry, RoomEvent event);
    static void deliver(Entry& entry);
    result<core::ports::Occupant> find_occupant(const Entry& entry, const std::string& nick, const std::string& service,
                                                TubeKind kind) const;

    Engine& engine_;
    Number next_number_ = 1;
    std::map<Number, Entry> entries_;
};

}  // namespace tubes::engine
