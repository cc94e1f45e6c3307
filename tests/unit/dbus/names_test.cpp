// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of who owns the name of a D-Bus tube.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/dbus/bus_room.hpp"

namespace tubes::endpoints::dbus {
namespace {

TEST(DbusBus, GivesNoNamesAwayButTheTubesOwnToWhoHasIt) {
    Room tube(2);
    const auto editor = tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    const auto request = [](Occupant& occupant, std::uint32_t program, const char* name) {
        auto call = call_to_bus("RequestName", name);
        const dbus_uint32_t flags = 0;
        dbus_message_append_args(call.raw(), DBUS_TYPE_UINT32, &flags, DBUS_TYPE_INVALID);
        occupant.bus.from_program(program, call);
        auto answer = occupant.take(program);
        return answer.member() == "NameAcquired" ? occupant.take(program) : answer;
    };
    EXPECT_EQ(number_of(request(tube[0], editor, kService)), DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
    EXPECT_EQ(number_of(request(tube[0], editor, kService)), DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER);
    EXPECT_EQ(error_of(request(tube[0], editor, "org.example.Other")), DBUS_ERROR_ACCESS_DENIED);
    EXPECT_EQ(error_of(request(tube[1], caller, kService)), DBUS_ERROR_ACCESS_DENIED);
}

TEST(DbusBus, GivesTheTubesNameToTheProgramThatAsksForIt) {
    Room tube(2);
    const auto monitor = tube[0].enter();
    const auto editor = tube[0].enter();
    const auto caller = tube[1].enter();
    tube[1].bus.from_program(caller, call_to_bus("Hello"));
    tube.settle();
    tube[1].received.clear();
    const auto owner = [&] {
        tube[1].bus.from_program(caller, call_to_bus("GetNameOwner", kService));
        return text_of(tube[1].take(caller));
    };
    EXPECT_EQ(owner(), ":o0.1");  // nobody has asked: the first one
    auto request = call_to_bus("RequestName", kService);
    const dbus_uint32_t flags = 0;
    dbus_message_append_args(request.raw(), DBUS_TYPE_UINT32, &flags, DBUS_TYPE_INVALID);
    tube[0].bus.from_program(editor, request);
    tube[0].bus.from_program(monitor, request);
    tube.settle();
    EXPECT_EQ(number_of(tube[0].received[monitor].back()), DBUS_REQUEST_NAME_REPLY_EXISTS);
    EXPECT_EQ(change_of(tube[1].take(caller)), "org.example.Editor: :o0.1 -> :o0.2");
    EXPECT_EQ(owner(), ":o0.2");
    // Who joins later hears of it, and when the program goes, so does its claim.
    tube.add("o2");
    tube.settle();
    EXPECT_TRUE(tube[2].bus.has_met("o0"));
    const auto late = tube[2].enter();
    tube[2].bus.from_program(late, call_to_bus("GetNameOwner", kService));
    EXPECT_EQ(text_of(tube[2].take(late)), ":o0.2");
    tube.settle();
    tube[1].received.clear();
    tube[0].bus.from_program(editor, call_to_bus("ReleaseName", kService));
    tube.settle();
    EXPECT_EQ(change_of(tube[1].take(caller)), "org.example.Editor: :o0.2 -> :o0.1");
    EXPECT_EQ(owner(), ":o0.1");
    tube[0].bus.from_program(editor, request);
    tube[0].bus.remove_program(editor);
    tube.settle();
    tube[1].received.clear();
    EXPECT_EQ(owner(), ":o0.1");
}

TEST(DbusBus, EndsTheTubeWithAnOccupantThatClaimsWhatIsNotItsOwn) {
    const auto claim = [](const char* from, const char* to) {
        auto change = Message::signal(kBusPath, kBusName, "NameOwnerChanged");
        dbus_message_append_args(change.raw(), DBUS_TYPE_STRING, &kService, DBUS_TYPE_STRING, &from, DBUS_TYPE_STRING,
                                 &to, DBUS_TYPE_INVALID);
        return change.set_sender(kBusName).set_serial(1);
    };
    Room tube(2);
    tube[0].enter();
    tube[1].enter();
    tube.settle();
    EXPECT_EQ(tube[0].bus.from_occupant("o1", claim("", ":o1.1")), Errc::protocol_violation);  // not who shares
    EXPECT_EQ(tube[1].bus.from_occupant("o0", claim("", ":o1.1")), Errc::protocol_violation);  // a name of ours
    EXPECT_EQ(tube[1].bus.from_occupant("o0", claim("", ":o0.9")), Errc::protocol_violation);  // nobody's
    EXPECT_EQ(tube[1].bus.from_occupant("o0", claim(":o0.1", "")), Errc::protocol_violation);  // was not claimed
    EXPECT_FALSE(tube[1].bus.from_occupant("o0", claim("", ":o0.1")));
    EXPECT_EQ(tube[1].bus.from_occupant("o0", claim("", ":o0.1")), Errc::protocol_violation);  // no change
}

}  // namespace
}  // namespace tubes::endpoints::dbus
