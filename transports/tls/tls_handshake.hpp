// SPDX-License-Identifier: GPL-3.0-or-later
// One TLS handshake with a deadline. For files inside transports/ only.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

#include "transports/tls/tls_stream.hpp"

namespace tubes::transports {

/// A handshake that takes longer has failed.
inline constexpr std::chrono::seconds kHandshakeDeadline{5};

/// Runs the handshake of a stream and hands the stream back. Destroying it drops the connection without a call.
class TlsHandshake final {
public:
    /// The open stream, or why there is none: Errc::timed_out or what TlsStream::continue_handshake() says.
    using Done = std::function<void(result<std::unique_ptr<TlsStream>>)>;

    /// Begins. `done` is called once, from the loop and never inside this call; it may destroy the handshake.
    TlsHandshake(boost::asio::any_io_executor executor, std::unique_ptr<TlsStream> stream, Done done);
    ~TlsHandshake();
    TlsHandshake(const TlsHandshake&) = delete;
    TlsHandshake& operator=(const TlsHandshake&) = delete;

private:
    class Run;
    std::shared_ptr<Run> run_;
};

}  // namespace tubes::transports
