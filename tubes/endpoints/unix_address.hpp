// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses of Unix sockets, checked before Asio would throw.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>

#include "tubes/endpoint.hpp"

namespace tubes::endpoints {

/// The address of a unix_path or unix_abstract endpoint; invalid_argument if it is empty or over 107 bytes.
result<boost::asio::local::stream_protocol::endpoint> unix_address(const Endpoint& endpoint);

}  // namespace tubes::endpoints
