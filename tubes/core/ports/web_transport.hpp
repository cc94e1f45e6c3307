// SPDX-License-Identifier: GPL-3.0-or-later
// The way to a foreign peer: one association of data channels, each of which is a stream of one tube.
// Spec: docs/protocol.md, "Foreign peers"; RFC 8831.
#pragma once

#include "tubes/core/link/stream.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::core::ports {

/// One session from our answer to its end; no other path takes its place. Lives on one loop.
class WebConnection {
public:
    /// Told on the loop, never inside a call.
    class Handler {
    public:
        virtual void on_web_candidate(const Candidate& candidate) = 0;
        /// The peer has proved its certificate; streams follow.
        virtual void on_web_open() = 0;
        virtual void on_web_stream(std::shared_ptr<Stream> stream) = 0;
        /// Once, last: end_of_stream, no_path, timed_out, identity_mismatch (another certificate),
        /// protocol_violation, limit_exceeded, broken.
        virtual void on_web_closed(error_code reason) = 0;

    protected:
        ~Handler() = default;
    };

    virtual ~WebConnection() = default;

    /// What to answer with.
    virtual TransportDescription description() const = 0;
    /// Begins gathering and checks; once.
    virtual void start() = 0;
    virtual void add_remote_candidate(const Candidate& candidate) = 0;
    virtual PathInfo info() const = 0;
    virtual PathMetrics metrics() const = 0;
    /// Ends it at once, its streams with `reason`. No callback follows. Idempotent.
    virtual void close(Errc reason) = 0;
};

/// Makes connections to foreign peers.
class WebTransport {
public:
    virtual ~WebTransport() = default;
    /// The streams are those of `tube`. protocol_violation or unsupported for a description that cannot be answered,
    /// no_path if the address policy leaves nothing, internal without resources. `handler` outlives the connection.
    virtual result<std::unique_ptr<WebConnection>> answer(const AttemptParameters& parameters, const TubeId& tube,
                                                          const TransportDescription& remote,
                                                          WebConnection::Handler& handler) = 0;
};

}  // namespace tubes::core::ports
