// SPDX-License-Identifier: GPL-3.0-or-later
// Two processes of one user show each other the tokens that signaling gave them.
// Spec: docs/protocol.md, "Same machine".
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

#include "transports/streams/byte_stream.hpp"
#include "transports/tls/tls_context.hpp"

namespace tubes::transports {

/// The caller sends the listener's token, the listener answers with the caller's; 16 bytes each. Destroying it drops
/// the connection without a call.
class TokenExchange final {
public:
    /// The stream behind the tokens; Errc::refused if the peer showed another token, or what the stream said.
    using Done = std::function<void(result<std::unique_ptr<ByteStream>>)>;

    struct Tokens {
        PathToken own;
        PathToken peer;
    };

    /// Begins. The client sends first. `done` is called once, from the loop and never inside this call; it may
    /// destroy the exchange.
    TokenExchange(boost::asio::any_io_executor executor, std::unique_ptr<ByteStream> stream, TlsRole role,
                  const Tokens& tokens, Done done);
    ~TokenExchange();
    TokenExchange(const TokenExchange&) = delete;
    TokenExchange& operator=(const TokenExchange&) = delete;

private:
    class Run;
    std::shared_ptr<Run> run_;
};

}  // namespace tubes::transports
