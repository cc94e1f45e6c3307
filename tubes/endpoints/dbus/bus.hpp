// SPDX-License-Identifier: GPL-3.0-or-later
// One occupant's part of a D-Bus tube: its programs, the other occupants, and the messages between them. No socket, no
// clock. The occupant that shares is joined to every other; these are joined to it alone, and in a room it passes on
// what they have for one another.
#pragma once

#include <map>
#include <set>

#include "tubes/endpoints/dbus/message.hpp"
#include "tubes/endpoints/dbus/names.hpp"

namespace tubes::endpoints::dbus {

/// Fixed for the life of a bus.
struct BusSettings {
    std::string occupant;    ///< who we are, Names::is_occupant(); told by signaling, never by a message
    std::string service;     ///< the tube's name, a valid bus name that programs find `owner`'s program by
    std::string owner;       ///< the occupant that shares
    std::string guid;        ///< 32 hexadecimal digits, random
    bool passes_on = false;  ///< of the owner's bus: those who use it meet one another, as in a room
};

/// What the kernel says of a program of ours.
struct ProgramCredentials {
    std::uint32_t uid = 0;
    std::uint32_t pid = 0;
};

/// Where messages go. Called inside the call that caused them; must not call the bus back.
class BusOutlet {
public:
    virtual ~BusOutlet() = default;
    virtual void to_program(std::uint32_t program, const Message& message) = 0;
    virtual void to_occupant(const std::string& occupant, const Message& message) = 0;
};

/// See the head of the file. Every call gets an answer: from its callee, or an error as soon as the callee is gone.
class Bus {
public:
    static constexpr std::size_t kMaxPendingCalls = 1024;  ///< of one program; further calls end with LimitsExceeded

    Bus(BusSettings settings, BusOutlet& outlet);

    /// A program has passed the handshake. Its number; limit_exceeded beyond Names::kMaxNamesOfOccupant.
    result<std::uint32_t> add_program(ProgramCredentials credentials);
    void from_program(std::uint32_t number, Message message);
    /// Its message was too large to be taken: a call gets LimitsExceeded.
    void refuse_oversized(std::uint32_t number, const OversizedMessage& message);
    void remove_program(std::uint32_t number);

    /// Another occupant is there, of the owner's bus any, of others the owner. It is told the names of our programs,
    /// and where we pass on those of others, and that these are all.
    void join(const std::string& occupant);
    /// Whether this occupant, which joined, has told all its names.
    bool has_met(const std::string& occupant) const;
    /// protocol_violation: a sender that this occupant does not speak for, or a message that no bus sends;
    /// limit_exceeded: more names than allowed. The caller ends the tube with this occupant then, and calls leave().
    error_code from_occupant(const std::string& occupant, Message message);
    /// It left or broke: its names go.
    void leave(const std::string& occupant);

private:
    friend class Driver;

    struct Program {
        std::string name;
        ProgramCredentials credentials;
        bool said_hello = false;
        std::map<std::uint32_t, std::pair<std::string, Message>> pending;  // serial: callee, error if it goes
    };

    bool is_owner() const { return settings_.occupant == settings_.owner; }
    /// Of itself; and the owner, to everybody else, of all but them.
    bool may_speak_for(const std::string& occupant, const std::string& other) const;
    void route_to(const std::string& name, const Message& message);
    void broadcast(const std::string& from, const Message& message);
    void tell_occupants(const Message& message, const std::string& except = {});
    void announce(const std::string& name, bool appeared, const std::string& occupant);
    error_code on_undirected(const std::string& occupant, const Message& message);
    error_code on_name(const std::string& occupant, const std::string& name, bool appeared);
    void call(Program& program, const std::string& callee, const Message& message);
    void deliver(const std::string& name, const Message& message);
    void answer(const std::string& name, Message message);
    void refuse_descriptors(const Program& program, Message message);
    error_code on_claim(const std::string& occupant, const std::string& from, const std::string& to);
    /// A program of this side asks for the tube's name, or with an empty name gives it up.
    void claim(const std::string& name);
    error_code on_name_change(const std::string& occupant, const Message& message);
    void names_changed(const std::string& name, bool appeared, const std::string& service_owner_before);
    void tell_programs(const std::string& name, const std::string& from, const std::string& to);
    Message name_change(const std::string& name, const std::string& from, const std::string& to);
    std::map<std::uint32_t, Program>::iterator find(std::string_view name);

    BusSettings settings_;
    BusOutlet& outlet_;
    Names names_;
    std::map<std::uint32_t, Program> programs_;
    std::map<std::string, bool> occupants_;  // and whether it has told its names
    std::uint32_t last_program_ = 0;
    std::uint32_t last_serial_ = 0;  // of what the bus itself says
};

}  // namespace tubes::endpoints::dbus
