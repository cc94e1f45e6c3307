// SPDX-License-Identifier: LGPL-2.1-or-later
// The errors every operation of the library can end with, and the result type that carries them.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include "tubes/export.hpp"

namespace tubes {
inline namespace v0 {

using error_code = boost::system::error_code;

/// A value, or the error that prevented it. Never holds both.
template <class T>
using result = boost::system::result<T>;

/// Why an operation ended. End of stream, timeout, cancelled, refused and broken are distinct on purpose: an
/// application reacts differently to each. Values are stable: they are printed, logged and exported to bindings.
enum class Errc {
    end_of_stream = 1,           ///< The peer finished writing; everything it wrote has been delivered.
    timed_out = 2,               ///< A named deadline passed.
    cancelled = 3,               ///< This side gave up: a cancelled operation, a closed node.
    refused = 4,                 ///< The other person, or this side's own policy, said no to something it knew about.
    broken = 5,                  ///< The link or its peer is gone and will not come back.
    not_available = 6,           ///< Not offered or not allowed: from outside the two look the same.
    not_found = 7,               ///< No such contact, device, account, offer or share here.
    offline = 8,                 ///< The contact has no device online that speaks tubes.
    not_connected = 9,           ///< This account is not logged in just now.
    authentication_failed = 10,  ///< Wrong password, or no acceptable mechanism.
    certificate_rejected = 11,   ///< A server's certificate does not prove the domain of the address.
    identity_mismatch = 12,      ///< The peer could not prove the identity key that was announced or pinned.
    key_changed = 13,            ///< The contact presents a key that is not pinned; the user has to decide.
    protocol_violation = 14,     ///< The peer sent what the protocol forbids.
    limit_exceeded = 15,         ///< A named limit was reached.
    would_block = 16,            ///< Full just now; a writable notice follows.
    already_exists = 17,         ///< The name or id is taken.
    invalid_argument = 18,       ///< The caller's value is malformed.
    unsupported = 19,            ///< This build, protocol or peer cannot do it.
    address_in_use = 20,         ///< The local port or socket is taken by another program.
    address_not_allowed = 21,    ///< Binding off loopback was not permitted explicitly.
    connection_refused = 22,     ///< The application behind a share does not accept connections.
    network_unreachable = 23,    ///< No route, no DNS answer, or no network at all.
    connection_reset = 24,       ///< The application at the other end reset its connection.
    state_too_new = 25,          ///< A file was written by a newer version; it was left untouched.
    state_corrupt = 26,          ///< A file could not be read; it was kept aside.
    taken = 27,                  ///< Another device of the contact accepted the offer first.
    withdrawn = 28,              ///< The offerer took the offer back.
    expired = 29,                ///< The offer's lifetime is over.
    no_path = 30,                ///< Every transport was tried and none reached the peer.
    forked = 31,                 ///< The process forked; a node belongs to the process that opened it.
    internal = 32,               ///< A defect of this library; please report it.
    message_too_large = 33,      ///< A datagram is larger than the tube carries: DatagramFlow::max_size().
};

/// The category of Errc: name "tubes"; message() is one English sentence fragment, lower case, no full stop.
TUBES_API const boost::system::error_category& tubes_category() noexcept;

/// Makes Errc convertible to error_code (found by argument-dependent lookup).
inline error_code make_error_code(Errc code) noexcept {
    return {static_cast<int>(code), tubes_category()};
}

}  // namespace v0
}  // namespace tubes

template <>
struct boost::system::is_error_code_enum<tubes::Errc> : std::true_type {};
