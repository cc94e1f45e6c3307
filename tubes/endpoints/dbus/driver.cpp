// SPDX-License-Identifier: GPL-3.0-or-later
// The methods of the bus.
#include "tubes/endpoints/dbus/driver.hpp"

#include <dbus/dbus.h>

namespace tubes::endpoints::dbus {
namespace {

constexpr std::size_t kMaxMatchRule = 1024;  // characters, as dbus-daemon has it

/// Introspection data: only what programs look for before they call.
constexpr const char* kIntrospection =
    "<node><interface name=\"org.freedesktop.DBus\">"
    "<method name=\"Hello\"><arg type=\"s\" direction=\"out\"/></method>"
    "<method name=\"ListNames\"><arg type=\"as\" direction=\"out\"/></method>"
    "<method name=\"NameHasOwner\"><arg type=\"s\" direction=\"in\"/><arg type=\"b\" direction=\"out\"/></method>"
    "<method name=\"GetNameOwner\"><arg type=\"s\" direction=\"in\"/><arg type=\"s\" direction=\"out\"/></method>"
    "<method name=\"AddMatch\"><arg type=\"s\" direction=\"in\"/></method>"
    "<method name=\"RemoveMatch\"><arg type=\"s\" direction=\"in\"/></method>"
    "<method name=\"GetId\"><arg type=\"s\" direction=\"out\"/></method>"
    "<signal name=\"NameOwnerChanged\"><arg type=\"s\"/><arg type=\"s\"/><arg type=\"s\"/></signal>"
    "</interface></node>";

void append_entry(DBusMessageIter& dict, const char* key, std::uint32_t value) {
    DBusMessageIter entry;
    DBusMessageIter variant;
    dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, nullptr, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
    dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, DBUS_TYPE_UINT32_AS_STRING, &variant);
    dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT32, &value);
    dbus_message_iter_close_container(&entry, &variant);
    dbus_message_iter_close_container(&dict, &entry);
}

}  // namespace

void Driver::on_call(std::uint32_t program, const Message& call) {
    call_ = &call;
    program_ = &bus_.programs_.at(program);
    const auto member = call.member();
    if (member == "Hello") return hello();
    if (member == "RequestName") return request_name();
    if (member == "ReleaseName") return release_name();
    if (member == "StartServiceByName") return start_service();
    if (member == "ListNames") return answer_names(true);
    if (member == "ListActivatableNames") return answer_names(false);
    if (member == "GetNameOwner") return answer_owner();
    if (member == "GetId") return answer_text(bus_.settings_.guid);
    if (member == "GetMachineId") {
        char* id = dbus_get_local_machine_id();
        if (!id) return fail(DBUS_ERROR_FILE_NOT_FOUND, "this machine has no id");
        answer_text(id);
        return dbus_free(id);
    }
    if (member == "Introspect") return answer_text(kIntrospection);
    if (member == "Ping") return answer(Message::reply_to(call));
    if (member == "NameHasOwner") {
        if (const char* name = argument())
            answer_truth(name == std::string_view(kBusName) || !bus_.names_.resolve(name).empty());
        return;
    }
    // Rules are not kept: every program gets every signal, and its library picks.
    if (member == "AddMatch" || member == "RemoveMatch") {
        const char* rule = argument();
        if (!rule) return;
        if (std::string_view(rule).size() > kMaxMatchRule)
            return fail(DBUS_ERROR_LIMITS_EXCEEDED, "the rule is too long");
        return answer(Message::reply_to(call));
    }
    if (member == "GetConnectionUnixUser" || member == "GetConnectionUnixProcessID" ||
        member == "GetConnectionCredentials") {
        return answer_credentials();
    }
    fail(DBUS_ERROR_UNKNOWN_METHOD, "the bus of a tube has no method " + std::string(member));
}

void Driver::hello() {
    if (program_->said_hello) return fail(DBUS_ERROR_FAILED, "Hello was said before");
    program_->said_hello = true;
    answer_text(program_->name);
    tell_acquired(program_->name);
}

void Driver::tell_acquired(const std::string& name) {
    auto acquired = Message::signal(kBusPath, kBusName, "NameAcquired");
    const char* text = name.c_str();
    dbus_message_append_args(acquired.raw(), DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    bus_.answer(program_->name, acquired);
}

void Driver::request_name() {
    const char* name = nullptr;
    dbus_uint32_t flags = 0;
    if (!dbus_message_get_args(call_->raw(), nullptr, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags,
                               DBUS_TYPE_INVALID)) {
        return fail(DBUS_ERROR_INVALID_ARGS, "expected a name and flags");
    }
    const bool is_ours = bus_.settings_.occupant == bus_.settings_.owner;
    if (name != bus_.names_.service() || !is_ours) {
        return fail(DBUS_ERROR_ACCESS_DENIED, "the only name on the bus of a tube is " + bus_.names_.service() +
                                                  ", for a program of who shares it");
    }
    const auto& claimant = bus_.names_.claimant();
    if (claimant == program_->name) return answer_number(DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER);
    if (!claimant.empty()) return answer_number(DBUS_REQUEST_NAME_REPLY_EXISTS);
    bus_.claim(program_->name);
    tell_acquired(bus_.names_.service());
    answer_number(DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
}

void Driver::release_name() {
    const char* name = argument();
    if (!name) return;
    const bool is_service = name == bus_.names_.service();
    if (!is_service || bus_.names_.claimant().empty()) return answer_number(DBUS_RELEASE_NAME_REPLY_NON_EXISTENT);
    if (bus_.names_.claimant() != program_->name) return answer_number(DBUS_RELEASE_NAME_REPLY_NOT_OWNER);
    bus_.claim("");
    answer_number(DBUS_RELEASE_NAME_REPLY_RELEASED);
}

// A tube starts no programs.
void Driver::start_service() {
    const char* name = nullptr;
    dbus_uint32_t flags = 0;
    if (!dbus_message_get_args(call_->raw(), nullptr, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags,
                               DBUS_TYPE_INVALID)) {
        return fail(DBUS_ERROR_INVALID_ARGS, "expected a name and flags");
    }
    if (name == std::string_view(kBusName) || !bus_.names_.resolve(name).empty()) {
        return answer_number(DBUS_START_REPLY_ALREADY_RUNNING);
    }
    fail(DBUS_ERROR_SERVICE_UNKNOWN, "nobody in the tube has the name " + std::string(name));
}

void Driver::answer_names(bool all) {
    std::vector<std::string> names;
    names.emplace_back(kBusName);
    if (all) {
        for (auto& name : bus_.names_.all()) names.push_back(std::move(name));
    }
    if (all && !bus_.names_.service_owner().empty()) names.push_back(bus_.names_.service());
    auto reply = Message::reply_to(*call_);
    DBusMessageIter arguments;
    DBusMessageIter array;
    dbus_message_iter_init_append(reply.raw(), &arguments);
    dbus_message_iter_open_container(&arguments, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING_AS_STRING, &array);
    for (const auto& name : names) {
        const char* text = name.c_str();
        dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, &text);
    }
    dbus_message_iter_close_container(&arguments, &array);
    answer(reply);
}

void Driver::answer_owner() {
    const auto owner = owner_of_argument();
    if (!owner.empty()) answer_text(owner);
}

// What the kernel knows of the programs of this side; the other side's users and processes mean nothing here.
void Driver::answer_credentials() {
    const auto owner = owner_of_argument();
    if (owner.empty()) return;
    const auto found = bus_.find(owner);
    if (found == bus_.programs_.end()) {
        return fail(DBUS_ERROR_NOT_SUPPORTED, "this program runs at another end of the tube");
    }
    const auto credentials = found->second.credentials;
    if (call_->member() == "GetConnectionUnixUser") return answer_number(credentials.uid);
    if (call_->member() == "GetConnectionUnixProcessID") return answer_number(credentials.pid);
    auto reply = Message::reply_to(*call_);
    DBusMessageIter arguments;
    DBusMessageIter dict;
    dbus_message_iter_init_append(reply.raw(), &arguments);
    dbus_message_iter_open_container(&arguments, DBUS_TYPE_ARRAY, "{sv}", &dict);
    append_entry(dict, "UnixUserID", credentials.uid);
    append_entry(dict, "ProcessID", credentials.pid);
    dbus_message_iter_close_container(&arguments, &dict);
    answer(reply);
}

void Driver::answer_text(const std::string& text) {
    auto reply = Message::reply_to(*call_);
    const char* value = text.c_str();
    dbus_message_append_args(reply.raw(), DBUS_TYPE_STRING, &value, DBUS_TYPE_INVALID);
    answer(reply);
}

void Driver::answer_number(std::uint32_t number) {
    auto reply = Message::reply_to(*call_);
    dbus_message_append_args(reply.raw(), DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
    answer(reply);
}

void Driver::answer_truth(bool value) {
    auto reply = Message::reply_to(*call_);
    const dbus_bool_t truth = value ? TRUE : FALSE;
    dbus_message_append_args(reply.raw(), DBUS_TYPE_BOOLEAN, &truth, DBUS_TYPE_INVALID);
    answer(reply);
}

const char* Driver::argument() {
    const char* text = nullptr;
    if (dbus_message_get_args(call_->raw(), nullptr, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID)) return text;
    fail(DBUS_ERROR_INVALID_ARGS, "expected one string");
    return nullptr;
}

std::string Driver::owner_of_argument() {
    const char* name = argument();
    if (!name) return {};
    if (name == std::string_view(kBusName) && call_->member() == "GetNameOwner") return kBusName;
    auto owner = bus_.names_.resolve(name);
    if (owner.empty()) fail(DBUS_ERROR_NAME_HAS_NO_OWNER, "nobody in the tube has the name " + std::string(name));
    return owner;
}

}  // namespace tubes::endpoints::dbus
