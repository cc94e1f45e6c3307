// SPDX-License-Identifier: GPL-3.0-or-later
// What a bus answers itself: org.freedesktop.DBus, and the peer interface of a connection without a destination.
// Spec: D-Bus Specification 0.38, "Message Bus Messages".
#pragma once

#include "tubes/endpoints/dbus/bus.hpp"

namespace tubes::endpoints::dbus {

/// Answers one call of a program of this side; made for the call.
class Driver {
public:
    explicit Driver(Bus& bus) : bus_(bus) {}

    /// org.freedesktop.DBus.Peer without a destination is about the connection, not about a program.
    static bool is_for_connection(const Message& message) {
        return message.destination().empty() && message.interface() == "org.freedesktop.DBus.Peer";
    }

    void on_call(std::uint32_t program, const Message& call);

private:
    void hello();
    void request_name();
    void release_name();
    void start_service();
    void tell_acquired(const std::string& name);
    void answer_names(bool all);
    void answer_owner();
    void answer_credentials();
    void answer(Message reply) {
        if (call_->expects_reply()) bus_.answer(program_->name, std::move(reply));
    }
    void answer_text(const std::string& text);
    void answer_number(std::uint32_t number);
    void answer_truth(bool value);
    void fail(const char* error, const std::string& text) { answer(Message::error_to(*call_, error, text)); }
    /// The call's only string; null after failing the call for other arguments.
    const char* argument();
    /// The unique name that the argument means; empty after failing the call.
    std::string owner_of_argument();

    Bus& bus_;
    const Message* call_ = nullptr;
    Bus::Program* program_ = nullptr;
};

}  // namespace tubes::endpoints::dbus
