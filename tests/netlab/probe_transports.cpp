// SPDX-License-Identifier: GPL-3.0-or-later
// The transports that path_probe can try.
#include "tests/netlab/probe_transports.hpp"

#include "transports/direct_tls/direct_tls_transport.hpp"
#include "transports/ice/ice_transport.hpp"

namespace tubes::netlab {

std::vector<std::unique_ptr<core::ports::Transport>> make_transports(boost::asio::io_context& context) {
    std::vector<std::unique_ptr<core::ports::Transport>> list;
    list.push_back(std::make_unique<tubes::transports::DirectTlsTransport>(context.get_executor()));
    list.push_back(std::make_unique<tubes::transports::IceTransport>(context.get_executor()));
    return list;
}

}  // namespace tubes::netlab
