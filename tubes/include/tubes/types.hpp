// SPDX-License-Identifier: LGPL-2.1-or-later
// The vocabulary that the API and the engine share: service names, kinds, parameters.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tubes/error.hpp"
#include "tubes/export.hpp"

namespace tubes {
inline namespace v0 {

/// What kind of application link a tube carries.
enum class TubeKind : std::uint8_t {
    stream = 1,    ///< Ordered byte streams, many per tube (TCP, Unix).
    datagram = 2,  ///< Messages with boundaries, unordered, may be lost (UDP).
    dbus = 3,      ///< A private D-Bus.
};

/// How a link's bytes travel. The order is the order of preference: smaller is better.
enum class PathKind : std::uint8_t {
    loopback = 0,     ///< Inside this process.
    local = 1,        ///< A Unix socket on one machine.
    direct_tls = 2,   ///< TLS 1.3 over TCP, address to address.
    ice = 3,          ///< ICE, DTLS and SCTP over UDP, address to address.
    ice_relayed = 4,  ///< The same through a TURN relay.
    socks5 = 5,       ///< TLS over a SOCKS5 bytestream proxy.
    in_band = 6,      ///< TLS inside the messaging connection.
};

/// The stable lower-case name of a kind, as status output and logs print it: "direct-tls".
TUBES_API std::string_view to_string(PathKind kind) noexcept;
TUBES_API std::string_view to_string(TubeKind kind) noexcept;

/// What to do when a contact asks for, or offers, a service.
enum class Policy : std::uint8_t {
    ask = 0,     ///< Hold the request and ask the user.
    always = 1,  ///< Accept, as long as the contact's key is one the user already knows.
    never = 2,   ///< Refuse, indistinguishable from a service that does not exist.
};

/// Which of this machine's addresses a link's candidates may contain.
enum class AddressPolicy : std::uint8_t {
    all = 0,          ///< Host, server-reflexive and relayed addresses.
    public_only = 1,  ///< Server-reflexive, relayed and globally routable host addresses.
    relay_only = 2,   ///< Only relayed addresses: the peer never learns where this machine is.
};

/// A value of a tube's parameters.
using ParameterValue = std::variant<std::string, std::vector<std::uint8_t>, std::int64_t, std::uint64_t, bool>;
/// A tube's parameters: at most 32 entries, names 1..64 bytes of [A-Za-z0-9._-], values at most 4096 bytes.
using Parameters = std::map<std::string, ParameterValue>;

/// True for names a share may have: 1 to 64 characters of [A-Za-z0-9._-].
TUBES_API bool is_valid_service_name(std::string_view name) noexcept;

/// Checks names, counts and sizes of parameters against the limits above; Errc::invalid_argument otherwise.
TUBES_API result<void> check_parameters(const Parameters& parameters);

}  // namespace v0
}  // namespace tubes
