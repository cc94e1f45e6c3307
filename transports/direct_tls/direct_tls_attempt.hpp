// SPDX-License-Identifier: GPL-3.0-or-later
// One try at direct TLS. For files inside transports/ only.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>

#include "transports/addresses/address_rules.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// Listens, dials, shakes hands and settles on one connection. `time_limit` counts from the peer's description.
std::unique_ptr<core::ports::PathAttempt> make_direct_tls_attempt(boost::asio::any_io_executor executor,
                                                                  core::LinkRole role, const AddressRules& rules,
                                                                  std::chrono::milliseconds time_limit);

}  // namespace tubes::transports
