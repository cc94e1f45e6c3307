// SPDX-License-Identifier: GPL-3.0-or-later
// Connections of one attempt on their way to one path: handshakes side by side, then the initiator's nomination.
// Spec: docs/protocol.md, "Direct TLS". For files inside transports/ only.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

#include "transports/tls/tls_stream.hpp"
#include "tubes/core/ids.hpp"

namespace tubes::transports {

/// Several connections, at most one path. Destroying it drops what is left without a call.
class TlsRace final {
public:
    struct Events {
        /// The path; the other connections are gone. Once, and the last event.
        std::function<void(std::unique_ptr<core::ports::MessagePath>)> on_open;
        /// One connection is over.
        std::function<void(error_code)> on_drop;
    };

    /// The events come from the loop, never inside a call; they may destroy the race.
    TlsRace(boost::asio::any_io_executor executor, core::LinkRole role, std::shared_ptr<const TlsContext> context,
            Events events);
    ~TlsRace();
    TlsRace(const TlsRace&) = delete;
    TlsRace& operator=(const TlsRace&) = delete;

    /// Begins the handshake on one more connection. `info.detail` is put before the cipher's name.
    void add(std::unique_ptr<ByteStream> stream, TlsRole role, core::ports::PathInfo info);
    bool empty() const noexcept;
    /// Keeps at most `count - 1` connections that somebody opened to us and whose handshake is not complete: the
    /// oldest go.
    void make_room_for_strangers(std::size_t count);

private:
    class Run;
    std::shared_ptr<Run> run_;
};

}  // namespace tubes::transports
