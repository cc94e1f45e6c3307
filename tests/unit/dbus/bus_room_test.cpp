// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the bus of a room: who shares passes on what the others have for one another.
#include "tests/unit/dbus/bus_room.hpp"

namespace tubes::endpoints::dbus {
namespace {

TEST(DbusRoom, EightOccupantsRouteCallsBroadcastSignalsInOrderAndSeeCrashes) {
    Room room(8);
    for (auto& occupant : room.occupants) {
        const auto program = occupant->enter();
        occupant->bus.from_program(program, call_to_bus("Hello"));
    }
    room.settle();
    for (auto& occupant : room.occupants) occupant->received.clear();
    for (std::uint32_t serial = 1; serial <= 20; ++serial) {
        room[3].bus.from_program(1, Message::signal("/editor", "a.b", "Typed").set_serial(serial));
    }
    room[5].bus.from_program(1, method_call(":o6.1", "a.b", "Only", 7));
    room.settle();
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == 3) continue;
        for (std::uint32_t serial = 1; serial <= 20; ++serial) {
            const auto signal = room[i].take(1);
            EXPECT_EQ(signal.sender(), ":o3.1");
            EXPECT_EQ(signal.serial(), serial);
        }
        EXPECT_EQ(room[i].received[1].size(), i == 6 ? 1U : 0U);
    }
    EXPECT_TRUE(room[3].received[1].empty());
    room[6].received.clear();
    room.remove("o3");
    room.add("o8");
    room.settle();
    room.occupants.back()->enter();
    room.settle();
    for (std::size_t i = 0; i < 7; ++i) {
        EXPECT_EQ(change_of(room[i].take(1)), ":o3.1: :o3.1 -> ");
        EXPECT_EQ(change_of(room[i].take(1)), ":o8.1:  -> :o8.1");
    }
}

TEST(DbusRoom, CallsBetweenThoseWhoUseItAreAnswered) {
    Room room(3);
    const auto caller = room[1].enter();
    const auto callee = room[2].enter();
    room.settle();
    room[1].bus.from_program(caller, method_call(":o2.1", "a.b", "Ask", 7));
    room.settle();
    const auto call = room[2].take(callee);
    EXPECT_EQ(call.sender(), ":o1.1");
    room[2].bus.from_program(callee, reply_of(call, 9));
    room.settle();
    const auto reply = room[1].take(caller);
    EXPECT_EQ(reply.sender(), ":o2.1");
    EXPECT_EQ(reply.reply_serial(), 7U);
    EXPECT_TRUE(room[0].received.empty());
}

TEST(DbusRoom, WhoComesLaterFindsEverybodyAndIsFound) {
    Room room(2);
    room[0].enter();
    room[1].enter();
    room.add("late");
    room.settle();
    EXPECT_TRUE(room[2].bus.has_met("o0"));
    const auto program = room[2].enter();
    room[2].bus.from_program(program, call_to_bus("GetNameOwner", ":o1.1"));
    EXPECT_EQ(text_of(room[2].take(program)), ":o1.1");
    room[2].bus.from_program(program, call_to_bus("GetNameOwner", kService, 2));
    EXPECT_EQ(text_of(room[2].take(program)), ":o0.1");
    room.settle();
    room[1].bus.from_program(1, call_to_bus("GetNameOwner", ":late.1"));
    EXPECT_EQ(text_of(room[1].take(1)), ":late.1");
}

TEST(DbusRoom, ACallEndsWhenItsCalleeCrashesAndWhenTheBusIsOver) {
    Room room(4);
    for (auto& occupant : room.occupants) occupant->enter();
    room.settle();
    room[1].bus.from_program(1, method_call(":o2.1", "a.b", "Slow", 7));
    room[1].bus.from_program(1, method_call(":o3.1", "a.b", "Slow", 8));
    room.settle();
    room.remove("o2");
    room.settle();
    auto error = room[1].take(1);
    EXPECT_EQ(error_of(error), DBUS_ERROR_NO_REPLY);
    EXPECT_EQ(error.reply_serial(), 7U);
    EXPECT_TRUE(room[1].received[1].empty());
    room[1].bus.from_program(1, method_call(":o2.1", "a.b", "Slow", 9));
    EXPECT_EQ(error_of(room[1].take(1)), DBUS_ERROR_SERVICE_UNKNOWN);
    // With who shares goes everybody.
    room.remove("o0");
    auto& caller = room[0];
    error = caller.take(1);
    EXPECT_EQ(error_of(error), DBUS_ERROR_NO_REPLY);
    EXPECT_EQ(error.reply_serial(), 8U);
    caller.bus.from_program(1, call_to_bus("NameHasOwner", ":o3.1", 10));
    dbus_bool_t has = TRUE;
    dbus_message_get_args(caller.take(1).raw(), nullptr, DBUS_TYPE_BOOLEAN, &has, DBUS_TYPE_INVALID);
    EXPECT_FALSE(has);
}

TEST(DbusRoom, NobodySpeaksForAnotherOccupant) {
    Room room(3);
    for (auto& occupant : room.occupants) occupant->enter();
    room.settle();
    auto signal = Message::signal("/", "a.b", "Typed").set_serial(1);
    EXPECT_EQ(room[0].bus.from_occupant("o1", signal.set_sender(":o2.1")), Errc::protocol_violation);
    EXPECT_EQ(room[0].bus.from_occupant("o1", signal.set_sender(":o0.1")), Errc::protocol_violation);
    // Nor does who shares for the one who listens.
    EXPECT_EQ(room[1].bus.from_occupant("o0", signal.set_sender(":o1.1")), Errc::protocol_violation);
    EXPECT_FALSE(room[1].bus.from_occupant("o0", signal.set_sender(":o2.1")));
    EXPECT_EQ(room[1].bus.from_occupant("o0", signal.set_sender(":o3.1")), Errc::protocol_violation);
}

TEST(DbusRoom, NamesOfOthersAreAnnouncedByWhoSharesAlone) {
    Room room(3);
    for (auto& occupant : room.occupants) occupant->enter();
    room.settle();
    const auto change = [](const char* name, const char* from, const char* to) {
        auto message = Message::signal(kBusPath, kBusName, "NameOwnerChanged");
        dbus_message_append_args(message.raw(), DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &from, DBUS_TYPE_STRING, &to,
                                 DBUS_TYPE_INVALID);
        return message.set_sender(kBusName).set_serial(1);
    };
    EXPECT_EQ(room[0].bus.from_occupant("o1", change(":o2.2", "", ":o2.2")), Errc::protocol_violation);
    EXPECT_EQ(room[0].bus.from_occupant("o1", change(":o2.1", ":o2.1", "")), Errc::protocol_violation);
    EXPECT_EQ(room[1].bus.from_occupant("o0", change(":o1.2", "", ":o1.2")), Errc::protocol_violation);
    EXPECT_EQ(room[1].bus.from_occupant("o0", change(":o1.1", ":o1.1", "")), Errc::protocol_violation);
    EXPECT_FALSE(room[1].bus.from_occupant("o0", change(":o7.1", "", ":o7.1")));
}

TEST(DbusRoom, RefusesWellKnownNames) {
    Room room(2);
    for (auto& occupant : room.occupants) occupant->enter();
    room.settle();
    auto request = call_to_bus("RequestName");
    const char* name = "org.example.Other";
    const dbus_uint32_t flags = 0;
    dbus_message_append_args(request.raw(), DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags, DBUS_TYPE_INVALID);
    for (auto& occupant : room.occupants) {
        occupant->bus.from_program(1, request);
        EXPECT_EQ(error_of(occupant->take(1)), DBUS_ERROR_ACCESS_DENIED);
    }
}

TEST(DbusRoom, AnswersACallThatNamesNobodyWhereManyCouldBeMeant) {
    Room room(3);
    const auto sharing = room[0].enter();
    room[1].enter();
    room[2].enter();
    room.settle();
    room[0].bus.from_program(sharing, method_call(nullptr, "org.example.Viewer", "Show", 8));
    EXPECT_EQ(error_of(room[0].take(sharing)), DBUS_ERROR_SERVICE_UNKNOWN);
}

TEST(DbusRoom, LimitsOccupantsWithPrograms) {
    Names names(kService, "o0");
    for (std::size_t i = 0; i < Names::kMaxOccupants; ++i) {
        const auto id = "o" + std::to_string(i);
        EXPECT_FALSE(names.add(id, Names::make(id, 1)));
    }
    EXPECT_EQ(names.add("more", Names::make("more", 1)), Errc::limit_exceeded);
    EXPECT_TRUE(names.remove("o5", Names::make("o5", 1)));
    EXPECT_FALSE(names.add("more", Names::make("more", 1)));
}

}  // namespace
}  // namespace tubes::endpoints::dbus
