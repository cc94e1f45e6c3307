// SPDX-License-Identifier: GPL-3.0-or-later
// Hello: the first frame of each side on every path; version, features, limits and the identity proof.
// Spec: docs/protocol.md, "Paths".
#pragma once

#include "tubes/core/ids.hpp"
#include "tubes/core/wire/limits.hpp"

namespace tubes::wire {

/// What one side says first on a path.
struct Hello {
    std::uint32_t oldest_version = kOldestVersion;
    std::uint32_t newest_version = kNewestVersion;
    std::uint64_t features = kFeatures;
    core::LinkId link;
    std::uint32_t generation = 0;
    core::LinkRole role = core::LinkRole::initiator;
    core::PublicKey identity;
    core::Signature signature;
    std::uint32_t initial_window = 0;  ///< Bytes the other side may send on a new stream at once.
    std::uint32_t stream_limit = 0;    ///< Streams the other side may have open at once.
};

core::Bytes encode(const Hello& hello);

/// Bounded and validated; Errc::protocol_violation.
result<Hello> decode_hello(core::ByteView bytes);

/// The highest version both speak; Errc::unsupported if there is none.
result<std::uint32_t> common_version(const Hello& peer) noexcept;

}  // namespace tubes::wire
