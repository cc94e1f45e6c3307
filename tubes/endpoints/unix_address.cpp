// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses of Unix sockets.
#include "tubes/endpoints/unix_address.hpp"

#include <sys/un.h>

namespace tubes::endpoints {

result<boost::asio::local::stream_protocol::endpoint> unix_address(const Endpoint& endpoint) {
    if (endpoint.path.empty() || endpoint.path.size() >= sizeof(sockaddr_un::sun_path) - 1) {
        return make_error_code(Errc::invalid_argument);
    }
    const bool abstract = endpoint.kind == Endpoint::Kind::unix_abstract;
    return boost::asio::local::stream_protocol::endpoint(abstract ? std::string(1, '\0') + endpoint.path
                                                                  : endpoint.path);
}

}  // namespace tubes::endpoints
