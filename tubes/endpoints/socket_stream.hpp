// SPDX-License-Identifier: GPL-3.0-or-later
// A local stream over a connected TCP or Unix socket.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include "tubes/endpoints/local_stream.hpp"

namespace tubes::endpoints {

using GenericSocket = boost::asio::generic::stream_protocol::socket;

/// Takes a connected socket; turns Nagle's algorithm off where there is one.
std::unique_ptr<LocalStream> make_socket_stream(GenericSocket socket);

}  // namespace tubes::endpoints
