// SPDX-License-Identifier: GPL-3.0-or-later
// Several buses of D-Bus tubes joined in memory, every message marshalled and read between them.
#pragma once

#include <dbus/dbus.h>
#include <gtest/gtest.h>

#include <deque>
#include <stdexcept>

#include "tubes/endpoints/dbus/bus.hpp"

namespace tubes::endpoints::dbus {

inline constexpr const char* kService = "org.example.Editor";
inline constexpr const char* kGuid = "0123456789abcdef0123456789abcdef";

inline Message method_call(const char* destination, const char* interface, const char* member, std::uint32_t serial) {
    auto call = Message::adopt(dbus_message_new_method_call(destination, "/editor", interface, member));
    return call.set_serial(serial);
}

inline Message call_to_bus(const char* member, const char* argument = nullptr, std::uint32_t serial = 1) {
    auto call = method_call(kBusName, kBusName, member, serial);
    if (argument) dbus_message_append_args(call.raw(), DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID);
    return call;
}

inline Message reply_of(const Message& call, std::uint32_t serial) {
    return Message::reply_to(call).set_serial(serial);
}

inline std::string text_of(const Message& message) {
    const char* text = "";
    dbus_message_get_args(message.raw(), nullptr, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    return text;
}

inline std::uint32_t number_of(const Message& message) {
    dbus_uint32_t number = 0;
    dbus_message_get_args(message.raw(), nullptr, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
    return number;
}

/// "name: from -> to" of a NameOwnerChanged.
inline std::string change_of(const Message& message) {
    const char *name = "", *from = "", *to = "";
    dbus_message_get_args(message.raw(), nullptr, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &from, DBUS_TYPE_STRING,
                          &to, DBUS_TYPE_INVALID);
    return std::string(name) + ": " + from + " -> " + to;
}

inline std::string error_of(const Message& message) {
    const char* name = dbus_message_get_error_name(message.raw());
    return name ? name : "";
}

/// One occupant: its bus, and what its programs have received.
struct Occupant : BusOutlet {
    Occupant(const std::string& name, const std::string& owner, bool passes_on)
        : id(name), bus({name, kService, owner, kGuid, passes_on}, *this) {}

    void to_program(std::uint32_t program, const Message& message) override { received[program].push_back(message); }
    void to_occupant(const std::string& occupant, const Message& message) override {
        outgoing.emplace_back(occupant, *message.marshal());
    }

    std::uint32_t enter() { return *bus.add_program({1000, 4321}); }
    /// Takes the oldest message of a program, which must be there.
    Message take(std::uint32_t program) {
        auto& queue = received[program];
        if (queue.empty()) throw std::runtime_error("nothing came");
        auto message = queue.front();
        queue.pop_front();
        return message;
    }

    std::string id;
    Bus bus;
    std::map<std::uint32_t, std::deque<Message>> received;
    std::deque<std::pair<std::string, base::Bytes>> outgoing;
};

/// A room: the first one shares and passes on what the others have for one another.
struct Room {
    explicit Room(int count, bool passes_on = true) : passes_on_(passes_on) {
        for (int i = 0; i < count; ++i) add("o" + std::to_string(i));
        settle();
    }

    void add(const std::string& id) {
        occupants.push_back(std::make_unique<Occupant>(id, "o0", passes_on_ && id == "o0"));
        if (occupants.size() == 1) return;
        occupants.front()->bus.join(id);
        occupants.back()->bus.join("o0");
    }

    void remove(const std::string& id) {
        std::erase_if(occupants, [&](const auto& occupant) { return occupant->id == id; });
        for (auto& other : occupants) other->bus.leave(id);
    }

    void settle() {
        for (bool busy = true; busy;) {
            busy = false;
            for (auto& from : occupants) busy = carry(*from) || busy;
        }
    }

    bool carry(Occupant& from) {
        const bool any = !from.outgoing.empty();
        for (; !from.outgoing.empty(); from.outgoing.pop_front()) {
            const auto& [to, bytes] = from.outgoing.front();
            MessageReader reader;
            reader.feed(bytes);
            const auto message = reader.next();
            for (auto& occupant : occupants) {
                if (occupant->id != to) continue;
                EXPECT_FALSE(occupant->bus.from_occupant(from.id, **message));
            }
        }
        return any;
    }

    Occupant& operator[](std::size_t index) { return *occupants[index]; }
    std::vector<std::unique_ptr<Occupant>> occupants;

private:
    bool passes_on_;
};

}  // namespace tubes::endpoints::dbus
