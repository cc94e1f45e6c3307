// SPDX-License-Identifier: GPL-3.0-or-later
// One step of setting a connection up, which owns the stream meanwhile. For files inside transports/ only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <utility>

#include "transports/guarded.hpp"
#include "transports/streams/byte_stream.hpp"

namespace tubes::transports {

/// Advances whenever there is something to read, until it hands the stream on or drops it with a reason. Owned by a
/// shared_ptr; loop thread only.
template <class Stream>
class StreamStep : public std::enable_shared_from_this<StreamStep<Stream>>, private ByteStream::Handler {
public:
    using Done = std::function<void(result<std::unique_ptr<Stream>>)>;

    /// `done` is called once, from the loop and never inside begin(); it may let go of the step.
    StreamStep(std::unique_ptr<Stream> stream, Done done) : stream_(std::move(stream)), done_(std::move(done)) {}
    virtual ~StreamStep() = default;
    StreamStep(const StreamStep&) = delete;
    StreamStep& operator=(const StreamStep&) = delete;

    void begin(const boost::asio::any_io_executor& executor) {
        stream_->set_handler(this);
        boost::asio::post(executor, guarded(this, [](StreamStep& self) { self.on_readable(); }));
    }

    /// Drops the stream; no call follows.
    void cancel() {
        done_ = nullptr;
        stream_.reset();
    }

protected:
    /// Does what can be done now: calls succeed() or fail(), or waits for the next call.
    virtual void advance() = 0;

    Stream& stream() { return *stream_; }

    /// Fills the rest of `buffer`, of which `filled` bytes are there; false: it waits for more, or has failed.
    bool fill(base::MutableByteView buffer, std::size_t& filled) {
        while (filled < buffer.size()) {
            const auto count = stream_->read_some(buffer.subspan(filled));
            if (count.has_error()) {
                if (count.error() == Errc::would_block)
                    stream_->want_readable();
                else
                    fail(count.error());
                return false;
            }
            filled += *count;
        }
        return true;
    }

    void succeed() {
        stream_->set_handler(nullptr);
        if (const auto done = std::exchange(done_, nullptr)) done(std::move(stream_));
    }

    void fail(error_code reason) {
        // The stream goes only now that nothing of it is on the stack but calls that return at once.
        const auto failed = std::move(stream_);
        if (const auto done = std::exchange(done_, nullptr)) done(reason);
    }

private:
    void on_readable() final {
        const auto self = this->shared_from_this();
        if (stream_) advance();
    }
    void on_writable() final {}

    std::unique_ptr<Stream> stream_;
    Done done_;
};

}  // namespace tubes::transports
