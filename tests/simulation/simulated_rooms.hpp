// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms of the simulated server: joins, announcements, kicks, nicknames and signals between occupants.
#pragma once

#include <functional>
#include <map>

#include "tests/simulation/simulated_scheduler.hpp"
#include "tubes/core/ports/connection.hpp"

namespace tubes::simulation {

class SimulatedRooms;

/// All rooms of one server.
class SimulatedChat {
public:
    explicit SimulatedChat(SimulatedScheduler& scheduler) : scheduler_(scheduler) {}

    void kick(const core::ContactAddress& room, const std::string& nick, core::ports::RoomEnd end);
    void rename(const core::ContactAddress& room, const std::string& from, const std::string& to);

    /// The room that `address` would be an occupant of.
    std::optional<core::ContactAddress> room_of(const core::PeerAddress& address) const;
    /// Hands a signal over as the room does: under the sender's address in it.
    void relay(const core::PeerAddress& from_device, const core::PeerAddress& to, const core::ContactAddress& room,
               const core::Signal& signal, const core::ports::Connection::Responder& respond);

    bool stable_ids = true;
    bool non_anonymous = false;

private:
    friend class SimulatedRooms;
    struct Member {
        SimulatedRooms* rooms = nullptr;
        std::optional<core::ServiceList> tubes;
    };
    using Members = std::map<std::string, Member>;  // by nickname

    core::ports::Occupant occupant(const core::ContactAddress& room, const std::string& nick, const Member& member,
                                   const SimulatedRooms& seen_by) const;
    void enter(const core::ContactAddress& room, const std::string& nick, SimulatedRooms& rooms);
    void leave(const core::ContactAddress& room, const std::string& nick, core::ports::RoomEnd end);
    void announce(const core::ContactAddress& room, const std::string& nick);

    SimulatedScheduler& scheduler_;
    std::map<core::ContactAddress, Members> rooms_;
};

/// The rooms of one device.
class SimulatedRooms final : public core::ports::Rooms {
public:
    SimulatedRooms(SimulatedChat& chat, core::PeerAddress device) : chat_(chat), device_(std::move(device)) {}
    /// A crash: the server notices at once.
    ~SimulatedRooms() override;
    SimulatedRooms(const SimulatedRooms&) = delete;
    SimulatedRooms& operator=(const SimulatedRooms&) = delete;
    void start(core::ports::Connection::Handler& handler) { handler_ = &handler; }

    result<core::ContactAddress> parse_room(std::string_view text) const override {
        return core::ContactAddress{std::string(text)};
    }
    result<void> join(const core::ports::RoomJoin& join) override;
    void leave(const core::ContactAddress& room) override;
    std::vector<core::ports::RoomView> rooms() const override;
    std::optional<core::ports::RoomView> find(const core::ContactAddress& room) const override;
    std::optional<core::ports::Occupant> occupant(const core::ContactAddress& room,
                                                  const core::PeerAddress& address) const override;
    result<void> say(const core::ContactAddress&, const std::string&,
                     const std::optional<core::PeerAddress>&) override {
        return make_error_code(Errc::unsupported);
    }
    result<void> set_subject(const core::ContactAddress&, const std::string&) override {
        return make_error_code(Errc::unsupported);
    }
    void announce(const core::ContactAddress& room, const core::ServiceList& services) override;

private:
    friend class SimulatedChat;
    void tell(core::ports::RoomEvent event);
    void take(const core::ports::RoomEvent& event);

    SimulatedChat& chat_;
    core::PeerAddress device_;
    core::ports::Connection::Handler* handler_ = nullptr;
    std::map<core::ContactAddress, core::ports::RoomView> views_;  // as far as the server has told
    std::map<core::ContactAddress, std::string> nicks_;            // ours, as the server knows them
    std::map<core::ContactAddress, core::ServiceList> announced_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tubes::simulation
