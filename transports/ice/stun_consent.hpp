// SPDX-License-Identifier: GPL-3.0-or-later
// Consent to send on one pair of addresses, asked and given by libnice's STUN library, without socket or clock.
// Spec: RFC 7675 §5.1; RFC 8445 §7 (connectivity checks); RFC 8489 §9.1 (short-term credentials).
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "transports/ice/ice_candidate.hpp"

namespace tubes::transports {

/// Lives beside one socket whose pair ICE selected before. Messages that fail a check change nothing.
class StunConsent {
public:
    StunConsent(const IceCredentials& local, const IceCredentials& remote, bool controlling);
    ~StunConsent();
    StunConsent(const StunConsent&) = delete;
    StunConsent& operator=(const StunConsent&) = delete;

    /// By the first byte and the magic cookie (RFC 7983 §7): DTLS never looks like it.
    static bool is_stun(core::ByteView datagram) noexcept;

    /// A new request; at most four of them wait for their answers. Valid until the next call.
    core::ByteView make_request();

    struct Outcome {
        core::ByteView reply;  ///< To send back; empty if there is nothing to say. Valid until the next call.
        bool consent = false;  ///< The peer answered one of our requests with its key.
    };
    /// A datagram for which is_stun() holds, from `peer`.
    Outcome receive(core::ByteView datagram, const sockaddr_storage& peer, socklen_t peer_size);

private:
    struct Library;

    Outcome reply(const sockaddr_storage& peer, socklen_t peer_size);

    std::string ask_as_;      ///< "remote:local", the name in our requests.
    std::string asked_as_;    ///< "local:remote", the name in the peer's.
    std::string ask_key_;     ///< The peer's password.
    std::string answer_key_;  ///< Ours.
    bool controlling_;
    std::uint64_t tie_breaker_;
    std::unique_ptr<Library> library_;
    std::deque<std::array<std::uint8_t, 16>> asked_;
    std::array<std::uint8_t, 1280> out_{};
};

}  // namespace tubes::transports
