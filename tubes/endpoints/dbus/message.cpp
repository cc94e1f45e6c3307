// SPDX-License-Identifier: GPL-3.0-or-later
// Messages by libdbus.
#include "tubes/endpoints/dbus/message.hpp"

#include <dbus/dbus.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>

namespace tubes::endpoints::dbus {
namespace {

// libdbus fails here for lack of memory only: names and texts are valid by then.
template <class T>
T needed(T value) {
    if (!value) throw std::bad_alloc();
    return value;
}

constexpr std::size_t kFixedHeader = 16;              // bytes, up to the length of the fields
constexpr std::size_t kMaxSpareBuffer = 1024 * 1024;  // bytes kept for the next message

/// Of a fixed header; at an aligned address, as libdbus reads it.
OversizedMessage oversized(const std::array<char, kFixedHeader>& header, std::size_t size) {
    std::uint32_t serial = 0;
    std::memcpy(&serial, header.data() + 8, sizeof(serial));
    constexpr bool kIsLittle = std::endian::native == std::endian::little;
    if ((header[0] == DBUS_LITTLE_ENDIAN) != kIsLittle) serial = __builtin_bswap32(serial);
    const bool is_call = header[1] == DBUS_MESSAGE_TYPE_METHOD_CALL;
    return {serial, size, is_call && (header[2] & DBUS_HEADER_FLAG_NO_REPLY_EXPECTED) == 0};
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

Message Message::error_for(std::uint32_t reply_serial, const char* name, const std::string& text) {
    auto error = adopt(dbus_message_new(DBUS_MESSAGE_TYPE_ERROR));
    const char* words = text.c_str();
    needed(dbus_message_set_error_name(error.raw(), name));
    needed(dbus_message_set_reply_serial(error.raw(), reply_serial));
    needed(dbus_message_append_args(error.raw(), DBUS_TYPE_STRING, &words, DBUS_TYPE_INVALID));
    return error;
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
    marshalled_.reset();
    needed(dbus_message_set_sender(raw(), name.c_str()));
    return *this;
}

Message& Message::set_destination(const std::string& name) {
    marshalled_.reset();
    needed(dbus_message_set_destination(raw(), name.c_str()));
    return *this;
}

Message& Message::set_serial(std::uint32_t serial) {
    marshalled_.reset();
    dbus_message_set_serial(raw(), serial);
    return *this;
}

std::shared_ptr<const base::Bytes> Message::marshal() const {
    if (marshalled_) return marshalled_;
    char* data = nullptr;
    int size = 0;
    needed(dbus_message_marshal(raw(), &data, &size));
    const std::unique_ptr<char, void (*)(void*)> owner(data, dbus_free);
    marshalled_ = std::make_shared<const base::Bytes>(data, data + size);
    return marshalled_;
}

void MessageReader::feed(base::ByteView data) {
    if (failed_) return;
    const auto skipped = std::min(skip_, data.size());
    skip_ -= skipped;
    buffer_.insert(buffer_.end(), data.begin() + static_cast<std::ptrdiff_t>(skipped), data.end());
}

error_code MessageReader::fail(Errc reason) {
    failed_ = reason;
    if (!oversized_) buffer_ = {};
    return make_error_code(reason);
}

void MessageReader::compact() {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(std::exchange(start_, 0)));
    if (buffer_.empty() && buffer_.capacity() > kMaxSpareBuffer) buffer_.shrink_to_fit();
}

result<std::optional<Message>> MessageReader::next() {
    if (failed_) return make_error_code(*failed_);
    const auto held = buffer_.size() - start_;
    if (held < kFixedHeader) {
        compact();
        return std::optional<Message>();
    }
    std::array<char, kFixedHeader> header{};
    std::memcpy(header.data(), buffer_.data() + start_, header.size());
    const int size = dbus_message_demarshal_bytes_needed(header.data(), static_cast<int>(header.size()));
    if (size <= 0) return fail(Errc::protocol_violation);
    const auto needed_bytes = static_cast<std::size_t>(size);
    if (needed_bytes > largest_) {
        oversized_ = oversized(header, needed_bytes);
        return fail(Errc::limit_exceeded);
    }
    if (held < needed_bytes) {
        compact();
        return std::optional<Message>();
    }
    // A message that announces descriptors is refused here: none came with it.
    DBusMessage* raw = dbus_message_demarshal(reinterpret_cast<const char*>(buffer_.data()) + start_, size, nullptr);
    if (!raw) return fail(Errc::protocol_violation);
    auto message = Message::adopt(raw);
    const int type = dbus_message_get_type(raw);
    if (type < DBUS_MESSAGE_TYPE_METHOD_CALL || type > DBUS_MESSAGE_TYPE_SIGNAL) return fail(Errc::protocol_violation);
    start_ += needed_bytes;
    return std::optional<Message>(std::move(message));
}

std::optional<OversizedMessage> MessageReader::skip_oversized() {
    if (!oversized_) return std::nullopt;
    const auto found = std::exchange(oversized_, std::nullopt);
    failed_.reset();
    const auto here = std::min(found->size, buffer_.size() - start_);
    start_ += here;
    skip_ = found->size - here;
    return found;
}

}  // namespace tubes::endpoints::dbus
