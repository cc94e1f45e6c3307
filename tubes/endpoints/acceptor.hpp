// SPDX-License-Identifier: GPL-3.0-or-later
// Listens for local programs at this end of a tube.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "tubes/endpoints/local_end.hpp"
#include "tubes/endpoints/local_stream.hpp"
#include "tubes/options.hpp"

namespace tubes::endpoints {

/// A listening socket. When it ends, a Unix socket's file is removed.
class Acceptor : public LocalEnd {
public:
    using OnConnection = std::function<void(std::unique_ptr<LocalStream>)>;

    /// Begins to accept; `on_connection` is called on the loop until close(). Out of descriptors, it pauses 100 ms.
    virtual void start(OnConnection on_connection) = 0;
};

/// Listens on a tcp, unix_path or unix_abstract endpoint. Blocking: resolves numeric addresses and "localhost" only.
/// address_in_use; address_not_allowed for a TCP address off loopback without `allow_remote`; invalid_argument;
/// unsupported for other kinds. A Unix socket's file of a dead program is replaced, a living one is address_in_use;
/// its mode is 0600.
result<std::unique_ptr<Acceptor>> listen(const boost::asio::any_io_executor& executor, const ListenOptions& options);

}  // namespace tubes::endpoints
