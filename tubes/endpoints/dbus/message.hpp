// SPDX-License-Identifier: GPL-3.0-or-later
// One D-Bus message, and the reader that takes whole, valid messages out of a byte stream. libdbus marshals.
// Spec: D-Bus Specification 0.38, "Message Protocol".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tubes/base/bytes.hpp"

struct DBusMessage;

namespace tubes::endpoints::dbus {

/// Largest message that a tube carries, header included; the specification's own maximum is 128 MiB.
inline constexpr std::size_t kMaxMessageSize = 8 * 1024 * 1024;
/// Largest message of a program: the sender that its side writes into the header still fits.
inline constexpr std::size_t kMaxProgramMessage = kMaxMessageSize - 512;

/// The name, path and interface under which a bus itself speaks.
inline constexpr const char* kBusName = "org.freedesktop.DBus";
inline constexpr const char* kBusPath = "/org/freedesktop/DBus";

/// A message that libdbus has validated, or that this side built. Copies share the message.
class Message {
public:
    enum class Type { method_call = 1, method_return = 2, error = 3, signal = 4 };

    /// Takes over the caller's reference.
    static Message adopt(DBusMessage* raw);
    static Message reply_to(const Message& call);
    /// `name` is a valid error name; `text` is for people.
    static Message error_to(const Message& call, const char* name, const std::string& text);
    /// The same for a call of which only the serial is known.
    static Message error_for(std::uint32_t reply_serial, const char* name, const std::string& text);
    static Message signal(const char* path, const char* interface, const char* member);

    Type type() const;
    std::uint32_t serial() const;
    std::uint32_t reply_serial() const;
    /// Empty where the message has no such field.
    std::string_view sender() const;
    std::string_view destination() const;
    std::string_view interface() const;
    std::string_view member() const;
    std::string_view signature() const;
    /// A method call whose caller waits for an answer.
    bool expects_reply() const;

    Message& set_sender(const std::string& name);
    Message& set_destination(const std::string& name);
    Message& set_serial(std::uint32_t serial);

    /// The message as it travels; it needs a serial. Made once for all who get this message.
    std::shared_ptr<const base::Bytes> marshal() const;

    DBusMessage* raw() const { return raw_.get(); }

private:
    explicit Message(std::shared_ptr<DBusMessage> raw) : raw_(std::move(raw)) {}
    std::shared_ptr<DBusMessage> raw_;
    mutable std::shared_ptr<const base::Bytes> marshalled_;  // until something is set
};

/// What the header of a message says that is too large to be taken.
struct OversizedMessage {
    std::uint32_t serial = 0;
    std::size_t size = 0;
    bool expects_reply = false;
};

/// Takes bytes in pieces of any size. Holds one incomplete message at most, and what was fed behind it.
class MessageReader {
public:
    explicit MessageReader(std::size_t largest = kMaxMessageSize) : largest_(largest) {}

    void feed(base::ByteView data);

    /// The next whole message, or none yet. protocol_violation: not D-Bus, or a message that says it comes with file
    /// descriptors, which nothing here carries; limit_exceeded: larger than `largest`, found in its header
    /// before anything is allocated. An error stays, but for skip_oversized().
    result<std::optional<Message>> next();

    /// Right after limit_exceeded: reading goes on behind the message that was too large, whose bytes are dropped as
    /// they come. Nothing if next() failed for another reason.
    std::optional<OversizedMessage> skip_oversized();

private:
    error_code fail(Errc reason);
    void compact();

    std::size_t largest_;
    base::Bytes buffer_;
    std::size_t start_ = 0;  // of the next message in the buffer
    std::size_t skip_ = 0;   // bytes still to come of a message that was too large
    std::optional<OversizedMessage> oversized_;
    std::optional<Errc> failed_;
};

}  // namespace tubes::endpoints::dbus
