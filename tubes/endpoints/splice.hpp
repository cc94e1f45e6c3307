// SPDX-License-Identifier: GPL-3.0-or-later
// A splice joins a stream of a tube to a local program's connection and carries bytes, half-close, reset and
// back-pressure between them.
#pragma once

#include <functional>
#include <memory>

#include "tubes/core/link/stream.hpp"
#include "tubes/endpoints/joint.hpp"
#include "tubes/endpoints/local_stream.hpp"

namespace tubes::endpoints {

/// Lives on the loop of both. Ends by itself when both directions have ended or either side broke.
class Splice : public Joint, public core::Stream::Handler, public std::enable_shared_from_this<Splice> {
public:
    /// Why it ended: no error for a clean end of both directions. Once.
    using Done = std::function<void(error_code)>;

    /// Begins at once; the splice keeps itself alive until it has ended.
    static std::shared_ptr<Splice> start(std::shared_ptr<core::Stream> stream, std::unique_ptr<LocalStream> local,
                                         Done done);

    /// Resets both sides; `done` is not called any more.
    void abort(Errc reason) override;

    void on_data(base::ByteView data) override;
    void on_end() override;
    void on_writable() override;
    void on_closed(error_code reason) override;

private:
    Splice(std::shared_ptr<core::Stream> stream, std::unique_ptr<LocalStream> local, Done done);

    void wait_readable();
    void read_local();
    void write_local();
    void wait_writable();
    void local_failed(error_code reason);
    void end_if_complete();
    void finish(error_code reason);

    std::shared_ptr<core::Stream> stream_;
    std::unique_ptr<LocalStream> local_;
    Done done_;
    std::shared_ptr<Splice> self_;  // until it has ended
    base::Bytes to_local_;          // from the peer, not yet taken by the program
    std::size_t to_local_offset_ = 0;
    bool waiting_writable_ = false;
    bool peer_ended_ = false;     // the peer half-closed
    bool stream_closed_ = false;  // both directions of the stream are over, cleanly
};

}  // namespace tubes::endpoints
