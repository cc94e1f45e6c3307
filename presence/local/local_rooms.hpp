// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms of this user's nodes on this machine: a room is there while somebody is in it, and every node tells every other
// which rooms it is in. No server, so nobody is a moderator, and nobody needs a password.
// Spec: docs/protocol.md, "The local protocol".
#pragma once

#include <map>

#include "presence/local/room_news.hpp"
#include "tubes/core/ports/connection.hpp"

namespace tubes::presence::local {

/// Lives on the connection's loop. Nodes are named as in the meeting place.
class LocalRooms final : public core::ports::Rooms {
public:
    /// What it needs of the connection.
    class Surroundings {
    public:
        virtual bool is_online() const = 0;
        virtual void send(const std::string& node, const RoomNews& news) = 0;
        virtual void send_to_all(const RoomNews& news) = 0;
        /// Tells the connection's handler, not inside this call.
        virtual void tell(core::ports::RoomEvent event) = 0;

    protected:
        ~Surroundings() = default;
    };

    LocalRooms(std::string node, Surroundings& surroundings) : node_(std::move(node)), surroundings_(surroundings) {}

    /// The name of a room, from its address or as people type it.
    static result<std::string> room_name(std::string_view text);

    /// Another node is there: it is told which rooms we are in.
    void on_node(const std::string& node);
    /// limit_exceeded: in more rooms than anybody may be.
    error_code on_news(const std::string& node, RoomNews news);
    void on_node_gone(const std::string& node);
    /// We are offline: every stay is over.
    void close();

    /// Where a signal to an occupant goes.
    struct Target {
        std::string room;
        std::string node;
    };
    std::optional<Target> target_of(const core::PeerAddress& address) const;
    /// Who the node is in a room, if both are there.
    std::optional<core::PeerAddress> address_in(const std::string& room, const std::string& node) const;

    result<core::ContactAddress> parse_room(std::string_view text) const override;
    result<void> join(const core::ports::RoomJoin& join) override;
    void leave(const core::ContactAddress& room) override;
    std::vector<core::ports::RoomView> rooms() const override;
    std::optional<core::ports::RoomView> find(const core::ContactAddress& room) const override;
    std::optional<core::ports::Occupant> occupant(const core::ContactAddress& room,
                                                  const core::PeerAddress& address) const override;
    result<void> say(const core::ContactAddress& room, const std::string& text,
                     const std::optional<core::PeerAddress>& to) override;
    result<void> set_subject(const core::ContactAddress& room, const std::string& text) override;
    void announce(const core::ContactAddress& room, const core::ServiceList& services) override;

private:
    using Guest = RoomNews::Guest;
    struct Stay {
        Guest self;
        std::string subject;
    };

    Stay* find_stay(const core::ContactAddress& room, std::string* name = nullptr);
    core::ports::Occupant to_occupant(const std::string& room, const std::string& node, const Guest& guest) const;
    core::ports::RoomView to_view(const std::string& room, const Stay& stay) const;
    void tell(const std::string& room, core::ports::RoomEventKind what);
    void end_stay(const std::string& room, core::ports::RoomEnd end);
    error_code on_here(const std::string& node, const std::string& room, Guest guest);
    bool gives_way(const std::string& node, const std::string& room, const Guest& guest);
    void on_gone(const std::string& node, const std::string& room, core::ports::RoomEnd end);

    std::string node_;
    Surroundings& surroundings_;
    std::map<std::string, Stay> stays_;                           // ours, by room
    std::map<std::string, std::map<std::string, Guest>> guests_;  // of other nodes, by room and node
};

}  // namespace tubes::presence::local
