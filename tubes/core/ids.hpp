// SPDX-License-Identifier: GPL-3.0-or-later
// The names of things inside the engine. Ids are random and unguessable; addresses are prepared by their protocol.
#pragma once

#include <chrono>
#include <string>

#include "tubes/base/bytes.hpp"
#include "tubes/types.hpp"

namespace tubes::core {

using base::Bytes;
using base::ByteView;

/// Monotonic engine time. `core` never reads it: it comes in through ports::Scheduler.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::nanoseconds;

using LinkId = base::FixedBytes<struct LinkIdTag, 16>;
using TubeId = base::FixedBytes<struct TubeIdTag, 16>;
using OfferId = base::FixedBytes<struct OfferIdTag, 16>;

/// A long-lived Ed25519 identity key of one account on one machine (RFC 8032), its public half.
using PublicKey = base::FixedBytes<struct PublicKeyTag, 32>;
/// SHA-256 of an identity key: the name of a device.
using DeviceId = base::FixedBytes<struct DeviceIdTag, 32>;
using Signature = base::FixedBytes<struct SignatureTag, 64>;
using Digest = base::FixedBytes<struct DigestTag, 32>;

/// A contact as its protocol names a person, prepared (XMPP: bare JID). Equal strings mean equal contacts.
struct ContactAddress {
    std::string value;
    auto operator<=>(const ContactAddress&) const = default;
};

/// Where one running node of a contact is reached through a connection (XMPP: full JID). It names no device: a
/// device proves itself by its identity key only.
struct PeerAddress {
    ContactAddress contact;
    std::string value;
    auto operator<=>(const PeerAddress&) const = default;
};

/// Who of the two ends began a link. Stream ids and path choice follow it, on every path.
enum class LinkRole : std::uint8_t { initiator = 0, responder = 1 };

}  // namespace tubes::core
