// SPDX-License-Identifier: GPL-3.0-or-later
// How two ends that opened several connections settle on one: the link's initiator nominates, the responder waits.
// Spec: docs/protocol.md, "Direct TLS", nomination.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

#include "transports/tls/tls_stream.hpp"

namespace tubes::transports {

/// Writes the nomination frame: the first bytes on the connection that the initiator chose.
error_code nominate(TlsStream& stream);

/// Waits until the peer nominates a connection. Destroying it drops the connection without a call.
class NominationWait final {
public:
    /// The nominated stream, with everything behind the nomination still unread; Errc::protocol_violation if
    /// something else came first, or what the stream said.
    using Done = std::function<void(result<std::unique_ptr<TlsStream>>)>;

    /// Begins. `done` is called once, from the loop and never inside this call; it may destroy the wait.
    NominationWait(boost::asio::any_io_executor executor, std::unique_ptr<TlsStream> stream, Done done);
    ~NominationWait();
    NominationWait(const NominationWait&) = delete;
    NominationWait& operator=(const NominationWait&) = delete;

private:
    class Run;
    std::shared_ptr<Run> run_;
};

}  // namespace tubes::transports
