// SPDX-License-Identifier: LGPL-2.1-or-later
// Where an application meets a tube on its own machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tubes/error.hpp"
#include "tubes/export.hpp"
#include "tubes/types.hpp"

namespace tubes {
inline namespace v0 {

/// A local meeting point: something to connect to (the target of a share) or to listen on (this end of a tube).
struct TUBES_API Endpoint {
    /// Which of the members below hold.
    enum class Kind : std::uint8_t {
        in_process,  ///< The application reads and writes tubes::Stream objects itself.
        tcp,         ///< `host` and `port`; listening with port 0 picks a free one.
        unix_path,   ///< A Unix socket at `path`; when listening it is created with mode 0600 and removed at the end.
        unix_abstract,  ///< A Unix socket in Linux's abstract namespace, `path` without the leading zero byte.
        udp,            ///< `host` and `port` for datagrams; listening with port 0 picks a free one.
        descriptors,    ///< Reads `input`, writes `output` (standard input and output); one stream, then it ends.
        dbus,           ///< A private D-Bus at the Unix socket `path`; empty: a new one of the node's own.
    };

    Kind kind = Kind::in_process;
    std::string host;
    std::uint16_t port = 0;
    std::string path;
    int input = -1;         ///< Borrowed: not closed.
    int output = -1;        ///< Borrowed: not closed.
    bool any_user = false;  ///< Of a bus: lets in programs of every user of this machine, not only of this one.

    /// The application reads and writes tubes::Stream objects itself.
    static Endpoint in_process() { return {}; }
    /// A name or numeric address, and a port; listening with port 0 picks a free one.
    static Endpoint tcp(std::string host, std::uint16_t port);
    /// The same for datagrams.
    static Endpoint udp(std::string host, std::uint16_t port);
    /// A Unix socket in the file system, at most 107 bytes.
    static Endpoint unix_path(std::string path);
    /// A Unix socket in the abstract namespace, without the leading zero byte.
    static Endpoint unix_abstract(std::string name);
    /// Two open descriptors, borrowed: they are not closed.
    static Endpoint descriptors(int input, int output);

    /// A private D-Bus, on which programs of this side meet those of the other. `path` is at most 107 bytes; empty:
    /// a socket below the node's runtime directory, which is this user's alone.
    static Endpoint dbus(std::string path = {});

    /// Reads "8080", "host:8080", "[::1]:8080", "unix:/run/app.sock", "unix:@name", and "udp:"
    /// before a port or host and port; a bare port means 127.0.0.1. "dbus:" and "dbus:/run/app.bus" are a D-Bus.
    /// Errc::invalid_argument otherwise.
    static result<Endpoint> parse(std::string_view text);

    /// The kind of tube that leads to, or is reached at, an endpoint like this: datagram for udp, dbus for dbus, else
    /// stream.
    TubeKind tube_kind() const noexcept;

    /// Of a bus with a path: its D-Bus address, as programs take it from DBUS_SESSION_BUS_ADDRESS. Else empty.
    std::string bus_address() const;

    /// The form parse() reads; "in-process" and "stdio" for the others.
    std::string to_string() const;
};

}  // namespace v0
}  // namespace tubes
