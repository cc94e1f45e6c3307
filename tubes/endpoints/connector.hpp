// SPDX-License-Identifier: GPL-3.0-or-later
// Connects to the local program behind a share.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "tubes/endpoint.hpp"
#include "tubes/endpoints/local_stream.hpp"

namespace tubes::endpoints {

/// Connects to a tcp, unix_path, unix_abstract or descriptors endpoint (host names are resolved; every address is
/// tried) within 10 s. connection_refused, not_found (no such socket or host), timed_out, network_unreachable,
/// limit_exceeded (out of descriptors), unsupported. `done` is called once, never inside the call.
void async_connect(const boost::asio::any_io_executor& executor, const Endpoint& target,
                   std::function<void(result<std::unique_ptr<LocalStream>>)> done);

}  // namespace tubes::endpoints
