// SPDX-License-Identifier: GPL-3.0-or-later
// Two ends of a messaging connection in one process: in-band bytes through memory, and a relay of the test's own.
#pragma once

#include <boost/asio/io_context.hpp>

#include <memory>
#include <utility>
#include <vector>

#include "tubes/core/ports/peer_carrier.hpp"

namespace tubes::contract {

/// Both ends' carriers. In-band streams of the same session are connected; their buffers hold 16 KiB. `relays` is
/// what both ends find; activation is asked of `activate`.
struct CarrierPair {
    CarrierPair(boost::asio::io_context& loop, std::vector<core::ports::StreamRelay> relays,
                std::function<error_code(const std::string& address)> activate);

    std::shared_ptr<core::ports::PeerCarrier> initiator;
    std::shared_ptr<core::ports::PeerCarrier> responder;
};

}  // namespace tubes::contract
