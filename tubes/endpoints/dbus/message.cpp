// SPDX-License-Identifier: GPL-3.0-or-later
// Messages by libdbus.
#include "tubes/endpoints/dbus/message.hpp"

#include <dbus/dbus.h>

#include <algorithm>
#include <new>

namespace tubes::endpoints::dbus {
namespace {

// libdbus fails here for lack of memory only: names and texts are valid by then.
template <class T>
T needed(T value) {
    if (!value) throw std::bad_alloc();
    return value;
}

std::string_view or_empty(const char* text) {
    return text ? std::string_view(text) : std::string_view();
}

}  // namespace

Message Message::adopt(DBusMessage* raw) {
    return Message(std::shared_ptr<DBusMessage>(needed(raw), dbus_message_unref));
}

Message Message::reply_to(const Message& call) {
    return adopt(dbus_message_new_method_return(call.raw()));
}

Message Message::error_to(const Message& call, const char* name, const std::string& text) {
    return adopt(dbus_message_new_error(call.raw(), name, text.c_str()));
}

Message Message::signal(const char* path, const char* interface, const char* member) {
    return adopt(dbus_message_new_signal(path, interface, member));
}

Message::Type Message::type() const {
    return static_cast<Type>(dbus_message_get_type(raw()));
}

std::uint32_t Message::serial() const {
    return dbus_message_get_serial(raw());
}

std::uint32_t Message::reply_serial() const {
    return dbus_message_get_reply_serial(raw());
}

std::string_view Message::sender() const {
    return or_empty(dbus_message_get_sender(raw()));
}

std::string_view Message::destination() const {
    return or_empty(dbus_message_get_destination(raw()));
}

std::string_view Message::interface() const {
    return or_empty(dbus_message_get_interface(raw()));
}

std::string_view Message::member() const {
    return or_empty(dbus_message_get_member(raw()));
}

std::string_view Message::signature() const {
    return or_empty(dbus_message_get_signature(raw()));
}

bool Message::expects_reply() const {
    return type() == Type::method_call && !dbus_message_get_no_reply(raw());
}

Message& Message::set_sender(const std::string& name) {
    needed(dbus_message_set_sender(raw(), name.c_str()));
    return *this;
}

Message& Message::set_destination(const std::string& name) {
    needed(dbus_message_set_destination(raw(), name.c_str()));
    return *this;
}

Message& Message::set_serial(std::uint32_t serial) {
    dbus_message_set_serial(raw(), serial);
    return *this;
}

base::Bytes Message::marshal() const {
    char* data = nullptr;
    int size = 0;
    needed(dbus_message_marshal(raw(), &data, &size));
    const std::unique_ptr<char, void (*)(void*)> owner(data, dbus_free);
    return {data, data + size};
}

void MessageReader::feed(base::ByteView data) {
    if (!failed_) buffer_.insert(buffer_.end(), data.begin(), data.end());
}

result<std::optional<Message>> MessageReader::next() {
    if (failed_) return make_error_code(*failed_);
    const auto fail = [this](Errc reason) {
        failed_ = reason;
        buffer_ = {};
        return make_error_code(reason);
    };
    const auto* start = reinterpret_cast<const char*>(buffer_.data());
    const auto held = static_cast<int>(std::min(buffer_.size(), kMaxMessageSize));
    const int size = dbus_message_demarshal_bytes_needed(start, held);
    if (size < 0) return fail(Errc::protocol_violation);
    if (static_cast<std::size_t>(size) > kMaxMessageSize) return fail(Errc::limit_exceeded);
    if (size == 0 || buffer_.size() < static_cast<std::size_t>(size)) return std::optional<Message>();
    // A message that announces descriptors is refused here: none came with it.
    DBusMessage* raw = dbus_message_demarshal(start, size, nullptr);
    if (!raw) return fail(Errc::protocol_violation);
    auto message = Message::adopt(raw);
    const int type = dbus_message_get_type(raw);
    if (type < DBUS_MESSAGE_TYPE_METHOD_CALL || type > DBUS_MESSAGE_TYPE_SIGNAL) return fail(Errc::protocol_violation);
    buffer_.erase(buffer_.begin(), buffer_.begin() + size);
    return std::optional<Message>(std::move(message));
}

}  // namespace tubes::endpoints::dbus
