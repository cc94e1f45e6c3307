// SPDX-License-Identifier: GPL-3.0-or-later
// D-Bus calls as a program makes them: `dbus_load serve ADDRESS NAME` answers them, `dbus_load call ADDRESS NAME
// SECONDS` counts them, one after another and many at once, and prints JSON.
#include <dbus/dbus.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAtOnce = 64;          // calls that wait for their answers
constexpr int kPatience_ms = 10000;  // for one answer

[[noreturn]] void fail(const char* what) {
    std::cerr << "dbus_load: " << what << "\n";
    std::exit(1);
}

DBusConnection* enter(const char* address) {
    DBusConnection* connection = dbus_connection_open_private(address, nullptr);
    if (!connection || !dbus_bus_register(connection, nullptr)) fail("cannot enter the bus");
    return connection;
}

DBusMessage* make_call(const char* name) {
    DBusMessage* call = dbus_message_new_method_call(name, "/load", "org.example.Load", "Echo");
    const char* text = "sixty-four bytes of text, as a call of an interactive program has";
    dbus_message_append_args(call, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    return call;
}

int serve(const char* address, const char* name) {
    DBusConnection* connection = enter(address);
    if (dbus_bus_request_name(connection, name, 0, nullptr) != DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER) {
        fail("cannot have the name");
    }
    std::cout << "serving" << std::endl;
    while (dbus_connection_read_write(connection, -1)) {
        while (DBusMessage* message = dbus_connection_pop_message(connection)) {
            if (dbus_message_is_method_call(message, "org.example.Load", "Echo")) {
                const char* text = "";
                dbus_message_get_args(message, nullptr, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
                DBusMessage* reply = dbus_message_new_method_return(message);
                dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
                dbus_connection_send(connection, reply, nullptr);
                dbus_message_unref(reply);
            }
            dbus_message_unref(message);
        }
    }
    return 0;
}

/// Round trips of calls one after another, in microseconds, sorted.
std::vector<double> one_by_one(DBusConnection* connection, const char* name, Clock::duration time) {
    std::vector<double> trips;
    const auto end = Clock::now() + time;
    while (Clock::now() < end) {
        DBusMessage* call = make_call(name);
        const auto begin = Clock::now();
        DBusMessage* reply = dbus_connection_send_with_reply_and_block(connection, call, kPatience_ms, nullptr);
        if (!reply) fail("a call failed");
        trips.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
        dbus_message_unref(reply);
        dbus_message_unref(call);
    }
    std::sort(trips.begin(), trips.end());
    return trips;
}

/// Answers a second with kAtOnce calls on their way.
double at_once(DBusConnection* connection, const char* name, Clock::duration time) {
    const auto begin = Clock::now();
    int sent = 0;
    int answered = 0;
    while (Clock::now() < begin + time) {
        for (; sent - answered < kAtOnce; ++sent) {
            DBusMessage* call = make_call(name);
            dbus_connection_send(connection, call, nullptr);
            dbus_message_unref(call);
        }
        if (!dbus_connection_read_write(connection, kPatience_ms)) fail("the bus is gone");
        while (DBusMessage* message = dbus_connection_pop_message(connection)) {
            if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_ERROR) fail("a call failed");
            if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_RETURN) ++answered;
            dbus_message_unref(message);
        }
    }
    return answered / std::chrono::duration<double>(Clock::now() - begin).count();
}

int call(const char* address, const char* name, double seconds) {
    DBusConnection* connection = enter(address);
    const auto time = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    const auto trips = one_by_one(connection, name, time);
    if (trips.empty()) fail("no call was answered");
    const double rate = at_once(connection, name, time);
    std::cout << "{\"calls_per_s\": " << static_cast<double>(trips.size()) / seconds
              << ", \"median_us\": " << trips[trips.size() / 2] << ", \"p99_us\": " << trips[trips.size() * 99 / 100]
              << ", \"calls_per_s_64_at_once\": " << rate << "}\n";
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    if (count == 4 && std::strcmp(arguments[1], "serve") == 0) return serve(arguments[2], arguments[3]);
    if (count == 5 && std::strcmp(arguments[1], "call") == 0) {
        return call(arguments[2], arguments[3], std::strtod(arguments[4], nullptr));
    }
    fail("use: serve ADDRESS NAME, or call ADDRESS NAME SECONDS");
}
