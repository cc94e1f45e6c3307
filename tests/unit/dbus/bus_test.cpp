// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the bus of D-Bus tubes: routing, answers, limits.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/dbus/bus_room.hpp"

namespace tubes::endpoints::dbus {
namespace {

TEST(DbusBus, CallsByTheTubesNameReachTheSharersProgramAndAreAnswered) {
    Room tube(2);
    const auto editor = tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    tube[1].bus.from_program(caller, method_call(kService, "org.example.Editor", "Insert", 7));
    tube.settle();
    const auto call = tube[0].take(editor);
    EXPECT_EQ(call.member(), "Insert");
    EXPECT_EQ(call.sender(), ":o1.1");
    tube[0].bus.from_program(editor, reply_of(call, 9));
    tube.settle();
    const auto reply = tube[1].take(caller);
    EXPECT_EQ(reply.reply_serial(), 7U);
    EXPECT_EQ(reply.sender(), ":o0.1");
}

TEST(DbusBus, ServesProgramsThatKnowNoBus) {
    Room tube(2, false);
    const auto editor = tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    tube[1].bus.from_program(caller, method_call(nullptr, "org.example.Editor", "Insert", 7));
    tube[0].bus.from_program(editor, method_call(nullptr, "org.example.Viewer", "Show", 8));
    tube.settle();
    EXPECT_EQ(tube[0].take(editor).member(), "Insert");
    EXPECT_EQ(tube[1].take(caller).member(), "Show");
}

TEST(DbusBus, AnswersEveryCallEvenIfNobodyIsThere) {
    Room tube(2);
    const auto caller = tube[1].enter();
    tube[1].bus.from_program(caller, method_call(kService, "org.example.Editor", "Insert", 7));
    EXPECT_EQ(error_of(tube[1].take(caller)), DBUS_ERROR_SERVICE_UNKNOWN);
    const auto editor = tube[0].enter();
    tube.settle();
    tube[1].bus.from_program(caller, method_call(kService, "org.example.Editor", "Insert", 8));
    tube.settle();
    tube[0].bus.remove_program(editor);
    tube.settle();
    const auto error = tube[1].take(caller);
    EXPECT_EQ(error_of(error), DBUS_ERROR_NO_REPLY);
    EXPECT_EQ(error.reply_serial(), 8U);
}

TEST(DbusBus, EndsCallsWhenTheOtherOccupantIsGone) {
    Room tube(2);
    tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    tube[1].bus.from_program(caller, method_call(kService, "org.example.Editor", "Insert", 7));
    tube.remove("o0");
    EXPECT_EQ(error_of(tube[0].take(caller)), DBUS_ERROR_NO_REPLY);
}

TEST(DbusBus, SetsTheSenderWhateverAProgramClaims) {
    Room tube(2);
    const auto editor = tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    tube[1].bus.from_program(caller, method_call(kService, "a.b", "Insert", 7).set_sender(kBusName));
    tube.settle();
    EXPECT_EQ(tube[0].take(editor).sender(), ":o1.1");
}

TEST(DbusBus, EndsTheTubeWithAnOccupantThatForgesASender) {
    Room tube(3);
    tube[0].enter();
    tube[1].enter();
    tube[2].enter();
    tube.settle();
    auto forged = method_call(":o0.1", "a.b", "Insert", 7);
    EXPECT_EQ(tube[0].bus.from_occupant("o1", forged), Errc::protocol_violation);
    EXPECT_EQ(tube[0].bus.from_occupant("o1", forged.set_sender(":o2.1")), Errc::protocol_violation);
    EXPECT_EQ(tube[0].bus.from_occupant("o1", forged.set_sender(":o1.2")), Errc::protocol_violation);
    EXPECT_EQ(tube[0].bus.from_occupant("o1", forged.set_sender(kBusName)), Errc::protocol_violation);
    EXPECT_FALSE(tube[0].bus.from_occupant("o1", forged.set_sender(":o1.1")));
}

TEST(DbusBus, DropsAnswersThatNobodyAskedFor) {
    Room tube(3);
    tube[0].enter();
    const auto caller = tube[1].enter();
    tube[2].enter();
    tube.settle();
    tube[1].bus.from_program(caller, method_call(kService, "a.b", "Insert", 7));
    auto answer = reply_of(method_call(nullptr, "a.b", "Insert", 7), 1).set_destination(":o1.1");
    EXPECT_FALSE(tube[0].bus.from_occupant("o2", answer.set_sender(":o2.1")));
    tube.settle();
    EXPECT_TRUE(tube[1].received[caller].empty());
    EXPECT_FALSE(tube[1].bus.from_occupant("o0", answer.set_sender(":o0.1")));
    EXPECT_EQ(tube[1].take(caller).reply_serial(), 7U);
}

TEST(DbusBus, RefusesDescriptorsWithAnError) {
    Room tube(2);
    tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    // What a library marshals for a descriptor: an index, and how many come along.
    auto call = method_call(kService, "a.b", "Open", 7);
    MessageReader reader;
    DBusMessageIter arguments;
    const int descriptor = 0;
    dbus_message_iter_init_append(call.raw(), &arguments);
    ASSERT_TRUE(dbus_message_iter_append_basic(&arguments, DBUS_TYPE_UNIX_FD, &descriptor));
    tube[1].bus.from_program(caller, call);
    EXPECT_EQ(error_of(tube[1].take(caller)), DBUS_ERROR_NOT_SUPPORTED);
    EXPECT_TRUE(tube[1].outgoing.empty());
    reader.feed(*call.marshal());
    EXPECT_EQ(reader.next().error(), Errc::protocol_violation);
}

TEST(DbusBus, TellsProgramsThatSaidHelloWhoComesAndGoes) {
    Room tube(2);
    const auto caller = tube[1].enter();
    tube[1].bus.from_program(caller, call_to_bus("Hello"));
    EXPECT_EQ(text_of(tube[1].take(caller)), ":o1.1");
    EXPECT_EQ(tube[1].take(caller).member(), "NameAcquired");
    const auto first = tube[0].enter();
    tube[0].enter();
    tube[0].bus.remove_program(first);
    tube.settle();
    std::vector<std::string> changes;
    while (!tube[1].received[caller].empty()) changes.push_back(change_of(tube[1].take(caller)));
    const std::vector<std::string> expected = {":o0.1:  -> :o0.1", "org.example.Editor:  -> :o0.1", ":o0.2:  -> :o0.2",
                                               ":o0.1: :o0.1 -> ", "org.example.Editor: :o0.1 -> :o0.2"};
    EXPECT_EQ(changes, expected);
}

TEST(DbusBus, AnswersWhatABusIsAsked) {
    Room tube(2);
    tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    const auto ask = [&](const Message& call) {
        tube[1].bus.from_program(caller, call);
        return tube[1].take(caller);
    };
    EXPECT_EQ(text_of(ask(call_to_bus("GetNameOwner", kService))), ":o0.1");
    EXPECT_EQ(error_of(ask(call_to_bus("GetNameOwner", "org.example.Other"))), DBUS_ERROR_NAME_HAS_NO_OWNER);
    EXPECT_EQ(text_of(ask(call_to_bus("GetId"))), kGuid);
    EXPECT_EQ(ask(call_to_bus("ListNames")).signature(), "as");
    EXPECT_EQ(ask(call_to_bus("NameHasOwner", ":o0.1")).signature(), "b");
    EXPECT_EQ(ask(call_to_bus("AddMatch", "type='signal'")).type(), Message::Type::method_return);
    EXPECT_EQ(ask(call_to_bus("GetConnectionUnixUser", ":o1.1")).signature(), "u");
    EXPECT_EQ(ask(call_to_bus("GetConnectionCredentials", ":o1.1")).signature(), "a{sv}");
    EXPECT_EQ(error_of(ask(call_to_bus("GetConnectionUnixUser", ":o0.1"))), DBUS_ERROR_NOT_SUPPORTED);
    EXPECT_EQ(error_of(ask(call_to_bus("AddMatch"))), DBUS_ERROR_INVALID_ARGS);
    EXPECT_EQ(error_of(ask(call_to_bus("BecomeMonitor"))), DBUS_ERROR_UNKNOWN_METHOD);
    EXPECT_EQ(ask(method_call(nullptr, "org.freedesktop.DBus.Peer", "Ping", 3)).type(), Message::Type::method_return);
}

TEST(DbusBus, AnswersForAnAnswerWithDescriptors) {
    Room tube(2);
    const auto editor = tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    tube[1].bus.from_program(caller, method_call(kService, "a.b", "Open", 7));
    tube.settle();
    auto reply = reply_of(tube[0].take(editor), 1);
    DBusMessageIter arguments;
    const int descriptor = 0;
    dbus_message_iter_init_append(reply.raw(), &arguments);
    ASSERT_TRUE(dbus_message_iter_append_basic(&arguments, DBUS_TYPE_UNIX_FD, &descriptor));
    tube[0].bus.from_program(editor, reply);
    tube.settle();
    const auto answer = tube[1].take(caller);
    EXPECT_EQ(error_of(answer), DBUS_ERROR_NOT_SUPPORTED);
    EXPECT_EQ(answer.reply_serial(), 7U);
}

TEST(DbusBus, LimitsProgramsAndCallsThatWait) {
    Room tube(2);
    tube[0].enter();
    const auto caller = tube[1].enter();
    tube.settle();
    for (std::uint32_t serial = 1; serial <= Bus::kMaxPendingCalls; ++serial) {
        tube[1].bus.from_program(caller, method_call(kService, "a.b", "Slow", serial));
    }
    EXPECT_TRUE(tube[1].received[caller].empty());
    tube[1].bus.from_program(caller, method_call(kService, "a.b", "Slow", 9999));
    EXPECT_EQ(error_of(tube[1].take(caller)), DBUS_ERROR_LIMITS_EXCEEDED);
    for (std::size_t i = 1; i < Names::kMaxNamesOfOccupant; ++i) tube[1].enter();
    EXPECT_EQ(tube[1].bus.add_program({}).error(), Errc::limit_exceeded);
}

}  // namespace
}  // namespace tubes::endpoints::dbus
