// SPDX-License-Identifier: LGPL-2.1-or-later
// The error category: what each Errc says to a person.
#include "tubes/error.hpp"

namespace tubes {
inline namespace v0 {
namespace {

const char* text_of(Errc code) noexcept {
    switch (code) {
        case Errc::end_of_stream: return "end of stream";
        case Errc::timed_out: return "timed out";
        case Errc::cancelled: return "cancelled";
        case Errc::refused: return "refused";
        case Errc::broken: return "the link to the peer is lost";
        case Errc::not_available: return "not available";
        case Errc::not_found: return "not found";
        case Errc::offline: return "the contact has no device online that speaks tubes";
        case Errc::not_connected: return "the account is not connected";
        case Errc::authentication_failed: return "authentication failed";
        case Errc::certificate_rejected: return "the server's certificate was rejected";
        case Errc::identity_mismatch: return "the peer could not prove its identity";
        case Errc::key_changed: return "the contact presents an unknown key";
        case Errc::protocol_violation: return "the peer violated the protocol";
        case Errc::limit_exceeded: return "a limit was exceeded";
        case Errc::would_block: return "full just now";
        case Errc::already_exists: return "already exists";
        case Errc::invalid_argument: return "invalid argument";
        case Errc::unsupported: return "not supported";
        case Errc::address_in_use: return "the address is in use";
        case Errc::address_not_allowed: return "the address is not allowed";
        case Errc::connection_refused: return "the application does not accept connections";
        case Errc::network_unreachable: return "the network is unreachable";
        case Errc::connection_reset: return "the connection was reset";
        case Errc::state_too_new: return "the file was written by a newer version";
        case Errc::state_corrupt: return "the file is damaged";
        case Errc::taken: return "another device accepted first";
        case Errc::withdrawn: return "the offer was withdrawn";
        case Errc::expired: return "the offer has expired";
        case Errc::no_path: return "no transport reached the peer";
        case Errc::forked: return "the process forked; open a new node";
        case Errc::internal: return "internal error";
        case Errc::message_too_large: return "the datagram is larger than the tube carries";
    }
    return "unknown error";
}

// Fixed, so that copies of the category in several libraries of one process compare equal.
constexpr unsigned long long kCategoryId = 0x7475626573a10001;

class Category final : public boost::system::error_category {
public:
    Category() noexcept : error_category(kCategoryId) {}
    const char* name() const noexcept override { return "tubes"; }
    std::string message(int value) const override { return text_of(static_cast<Errc>(value)); }
};

}  // namespace

const boost::system::error_category& tubes_category() noexcept {
    static const Category category;
    return category;
}

}  // namespace v0
}  // namespace tubes
