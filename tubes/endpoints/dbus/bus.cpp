// SPDX-License-Identifier: GPL-3.0-or-later
// Routing between the programs of this side and the other occupants.
#include "tubes/endpoints/dbus/bus.hpp"

#include <dbus/dbus.h>

#include <algorithm>

#include "tubes/endpoints/dbus/driver.hpp"

namespace tubes::endpoints::dbus {
namespace {

// Inside a variant it is a number without meaning: libdbus has checked that no descriptor is announced.
bool carries_descriptors(const Message& message) {
    return message.signature().find('h') != std::string_view::npos;
}

}  // namespace

Bus::Bus(BusSettings settings, BusOutlet& outlet)
    : settings_(std::move(settings)), outlet_(outlet), names_(settings_.service, settings_.owner) {}

result<std::uint32_t> Bus::add_program(ProgramCredentials credentials) {
    const auto number = last_program_ + 1;
    const auto name = Names::make(settings_.occupant, number);
    const auto before = names_.service_owner();
    if (const auto error = names_.add(settings_.occupant, name)) return error;
    last_program_ = number;
    programs_[number] = Program{name, credentials, false, {}};
    names_changed(name, true, before);
    announce(name, true, settings_.occupant);
    return number;
}

void Bus::from_program(std::uint32_t number, Message message) {
    const auto found = programs_.find(number);
    if (found == programs_.end()) return;
    auto& program = found->second;
    message.set_sender(program.name);
    if (message.type() == Message::Type::method_call) {
        if (message.destination() == kBusName || Driver::is_for_connection(message)) {
            return Driver(*this).on_call(number, message);
        }
        const bool named = !message.destination().empty();
        // Of many others none is the other side.
        const bool has_other_side = !is_owner() || !settings_.passes_on;
        const auto other = has_other_side ? names_.other_side(settings_.occupant) : std::string();
        const auto callee = named ? names_.resolve(message.destination()) : other;
        return call(program, callee, message);
    }
    if (carries_descriptors(message)) return refuse_descriptors(program, std::move(message));
    if (!message.destination().empty()) return route_to(names_.resolve(message.destination()), message);
    if (message.type() == Message::Type::signal) broadcast(program.name, message);
}

void Bus::call(Program& program, const std::string& callee, const Message& message) {
    const auto refuse = [&](const char* error, const std::string& text) {
        if (message.expects_reply()) answer(program.name, Message::error_to(message, error, text));
    };
    if (callee.empty()) {
        const bool unique = message.destination().starts_with(':');
        return refuse(DBUS_ERROR_SERVICE_UNKNOWN, unique ? "this program has left the tube"
                                                         : "no program is connected at the other end of the tube");
    }
    if (carries_descriptors(message)) {
        return refuse(DBUS_ERROR_NOT_SUPPORTED, "a tube carries no file descriptors");
    }
    if (message.expects_reply()) {
        if (program.pending.size() >= kMaxPendingCalls) {
            return refuse(DBUS_ERROR_LIMITS_EXCEEDED, "too many calls wait for their answers");
        }
        auto gone = Message::error_to(message, DBUS_ERROR_NO_REPLY, "the program left the tube before it answered");
        program.pending.insert_or_assign(message.serial(), std::pair(callee, std::move(gone)));
    }
    route_to(callee, message);
}

// An answer becomes an error, so that its caller does not wait; a signal goes to nobody.
void Bus::refuse_descriptors(const Program& program, Message message) {
    if (message.type() == Message::Type::signal || message.destination().empty()) return;
    auto error = Message::error_for(message.reply_serial(), DBUS_ERROR_NOT_SUPPORTED,
                                    "the answer has file descriptors, which a tube does not carry");
    error.set_destination(std::string(message.destination())).set_sender(program.name).set_serial(message.serial());
    route_to(names_.resolve(message.destination()), error);
}

void Bus::refuse_oversized(std::uint32_t number, const OversizedMessage& message) {
    const auto found = programs_.find(number);
    if (found == programs_.end() || !message.expects_reply || message.serial == 0) return;
    answer(found->second.name,
           Message::error_for(
               message.serial, DBUS_ERROR_LIMITS_EXCEEDED,
               "the message is larger than the " + std::to_string(kMaxProgramMessage) + " bytes that a tube carries"));
}

void Bus::route_to(const std::string& name, const Message& message) {
    if (name.empty()) return;
    const auto occupant = names_.occupant_of(name);
    if (occupant == settings_.occupant) return deliver(name, message);
    const auto& next = is_owner() ? occupant : settings_.owner;
    if (occupants_.contains(next)) outlet_.to_occupant(next, message);
}

void Bus::broadcast(const std::string& from, const Message& message) {
    for (const auto& [number, program] : programs_) {
        if (program.name != from) outlet_.to_program(number, message);
    }
    const auto occupant = names_.occupant_of(from);
    if (occupant == settings_.occupant || settings_.passes_on) tell_occupants(message, occupant);
}

// Only the answer that a program waits for, from whom it asked, is an answer.
void Bus::deliver(const std::string& name, const Message& message) {
    const auto found = find(name);
    if (found == programs_.end()) return;
    auto& pending = found->second.pending;
    if (message.type() == Message::Type::method_return || message.type() == Message::Type::error) {
        const auto call = pending.find(message.reply_serial());
        if (call == pending.end() || call->second.first != message.sender()) return;
        pending.erase(call);
    }
    outlet_.to_program(found->first, message);
}

void Bus::answer(const std::string& name, Message message) {
    message.set_sender(kBusName).set_destination(name).set_serial(++last_serial_);
    const auto found = find(name);
    if (found != programs_.end()) outlet_.to_program(found->first, message);
}

std::map<std::uint32_t, Bus::Program>::iterator Bus::find(std::string_view name) {
    const auto is_named = [&](const auto& entry) { return entry.second.name == name; };
    return std::find_if(programs_.begin(), programs_.end(), is_named);
}

void Bus::remove_program(std::uint32_t number) {
    const auto found = programs_.find(number);
    if (found == programs_.end()) return;
    const auto name = found->second.name;
    const auto before = names_.service_owner();
    programs_.erase(found);
    names_.remove(settings_.occupant, name);
    names_changed(name, false, before);
    announce(name, false, settings_.occupant);
}

// Our own names are told to all, an occupant's to the others where these meet.
void Bus::announce(const std::string& name, bool appeared, const std::string& occupant) {
    const bool is_own = occupant == settings_.occupant;
    if (!is_own && !settings_.passes_on) return;
    tell_occupants(name_change(name, appeared ? "" : name, appeared ? name : ""), occupant);
}

void Bus::tell_occupants(const Message& message, const std::string& except) {
    for (const auto& [occupant, met] : occupants_) {
        if (occupant != except) outlet_.to_occupant(occupant, message);
    }
}

void Bus::join(const std::string& occupant) {
    if (!Names::is_occupant(occupant) || occupant == settings_.occupant || !occupants_.emplace(occupant, false).second)
        return;
    const auto names = settings_.passes_on ? names_.all() : names_.of(settings_.occupant);
    for (const auto& name : names) outlet_.to_occupant(occupant, name_change(name, "", name));
    const auto& claimant = names_.claimant();
    if (is_owner() && !claimant.empty()) {
        outlet_.to_occupant(occupant, name_change(names_.service(), "", claimant));
    }
    outlet_.to_occupant(occupant, name_change(kBusName, "", kBusName));
}

bool Bus::has_met(const std::string& occupant) const {
    const auto found = occupants_.find(occupant);
    return found != occupants_.end() && found->second;
}

error_code Bus::from_occupant(const std::string& occupant, Message message) {
    if (!occupants_.contains(occupant)) return Errc::protocol_violation;
    if (message.sender() == kBusName) return on_name_change(occupant, message);
    const auto sender = names_.occupant_of(message.sender());
    if (sender.empty() || !may_speak_for(occupant, sender)) return Errc::protocol_violation;
    if (carries_descriptors(message)) return Errc::protocol_violation;
    if (message.destination().empty()) return on_undirected(occupant, message);
    // A name that has just gone is no fault: the other side hears of it and ends the call itself.
    const auto name = names_.resolve(message.destination());
    const auto callee = names_.occupant_of(name);
    if (callee == settings_.occupant || (settings_.passes_on && callee != occupant)) route_to(name, message);
    return {};
}

bool Bus::may_speak_for(const std::string& occupant, const std::string& other) const {
    return other == occupant || (!is_owner() && other != settings_.occupant);
}

error_code Bus::on_undirected(const std::string& occupant, const Message& message) {
    if (message.type() == Message::Type::signal) {
        broadcast(std::string(message.sender()), message);
        return {};
    }
    if (message.type() != Message::Type::method_call) return Errc::protocol_violation;
    if (const auto name = names_.other_side(occupant); names_.has(settings_.occupant, name)) deliver(name, message);
    return {};
}

error_code Bus::on_name_change(const std::string& occupant, const Message& message) {
    const char* name = nullptr;
    const char* from = nullptr;
    const char* to = nullptr;
    if (message.type() != Message::Type::signal || message.interface() != kBusName ||
        message.member() != "NameOwnerChanged" ||
        !dbus_message_get_args(message.raw(), nullptr, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &from,
                               DBUS_TYPE_STRING, &to, DBUS_TYPE_INVALID)) {
        return Errc::protocol_violation;
    }
    const std::string_view before(from);
    const std::string_view after(to);
    if (name == names_.service()) return on_claim(occupant, from, to);
    if (name == std::string_view(kBusName)) {
        const bool is_first = before.empty() && after == kBusName && !std::exchange(occupants_.at(occupant), true);
        return is_first ? error_code() : make_error_code(Errc::protocol_violation);
    }
    const bool appeared = before.empty() && after == name;
    if (!appeared && (before != name || !after.empty())) return Errc::protocol_violation;
    return on_name(occupant, name, appeared);
}

error_code Bus::on_name(const std::string& occupant, const std::string& name, bool appeared) {
    const auto whose = Names::occupant_in(name);
    if (whose.empty() || !may_speak_for(occupant, whose)) return Errc::protocol_violation;
    const auto owner = names_.service_owner();
    if (appeared) {
        const auto error = names_.add(whose, name);
        if (error) return error == Errc::limit_exceeded ? error : Errc::protocol_violation;
    } else if (!names_.remove(whose, name)) {
        return Errc::protocol_violation;
    }
    names_changed(name, appeared, owner);
    announce(name, appeared, occupant);
    return {};
}

error_code Bus::on_claim(const std::string& occupant, const std::string& from, const std::string& to) {
    const bool is_change = from == names_.claimant() && from.empty() != to.empty();
    if (occupant != settings_.owner || !is_change) return Errc::protocol_violation;
    if (!to.empty() && !names_.has(occupant, to)) return Errc::protocol_violation;
    const auto before = names_.service_owner();
    names_.set_claimant(to);
    if (names_.service_owner() != before) tell_programs(names_.service(), before, names_.service_owner());
    return {};
}

void Bus::claim(const std::string& name) {
    const auto claimant = names_.claimant();
    const auto before = names_.service_owner();
    names_.set_claimant(name);
    if (names_.service_owner() != before) tell_programs(names_.service(), before, names_.service_owner());
    tell_occupants(name_change(names_.service(), claimant, name));
}

void Bus::leave(const std::string& occupant) {
    if (occupants_.erase(occupant) == 0) return;
    for (const auto& name : names_.all()) {
        const auto whose = names_.occupant_of(name);
        if (!may_speak_for(occupant, whose)) continue;
        const auto before = names_.service_owner();
        names_.remove(whose, name);
        names_changed(name, false, before);
        announce(name, false, occupant);
    }
}

// Tells the programs of this side, and ends the calls that nobody will answer any more.
void Bus::names_changed(const std::string& name, bool appeared, const std::string& service_owner_before) {
    tell_programs(name, appeared ? "" : name, appeared ? name : "");
    const auto owner = names_.service_owner();
    if (owner != service_owner_before) tell_programs(names_.service(), service_owner_before, owner);
    if (appeared) return;
    for (auto& [number, program] : programs_) {
        for (auto call = program.pending.begin(); call != program.pending.end();) {
            if (call->second.first != name) {
                ++call;
                continue;
            }
            const auto error = call->second.second;
            call = program.pending.erase(call);
            answer(program.name, error);
        }
    }
}

void Bus::tell_programs(const std::string& name, const std::string& from, const std::string& to) {
    for (const auto& [number, program] : programs_) {
        if (program.said_hello) outlet_.to_program(number, name_change(name, from, to));
    }
}

Message Bus::name_change(const std::string& name, const std::string& from, const std::string& to) {
    auto message = Message::signal(kBusPath, kBusName, "NameOwnerChanged");
    const char* texts[] = {name.c_str(), from.c_str(), to.c_str()};
    dbus_message_append_args(message.raw(), DBUS_TYPE_STRING, &texts[0], DBUS_TYPE_STRING, &texts[1], DBUS_TYPE_STRING,
                             &texts[2], DBUS_TYPE_INVALID);
    message.set_sender(kBusName).set_serial(++last_serial_);
    return message;
}

}  // namespace tubes::endpoints::dbus
