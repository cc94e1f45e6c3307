// SPDX-License-Identifier: GPL-3.0-or-later
// Steps through a handshake as bytes arrive.
#include "transports/tls/tls_handshake.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tubes::transports {

class TlsHandshake::Run final : public std::enable_shared_from_this<Run>, private ByteStream::Handler {
public:
    Run(boost::asio::any_io_executor executor, std::unique_ptr<TlsStream> stream, Done done)
        : deadline_(executor, kHandshakeDeadline), stream_(std::move(stream)), done_(std::move(done)) {}

    void begin() {
        stream_->set_handler(this);
        deadline_.async_wait([weak = weak_from_this()](const error_code& error) {
            const auto self = weak.lock();
            if (self && !error) self->complete(make_error_code(Errc::timed_out));
        });
        boost::asio::post(deadline_.get_executor(), [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->step();
        });
    }

    void cancel() {
        done_ = nullptr;
        deadline_.cancel();
        stream_.reset();
    }

private:
    void on_readable() override {
        const auto self = shared_from_this();
        step();
    }
    void on_writable() override {}

    void step() {
        if (!stream_) return;
        const auto error = stream_->continue_handshake();
        if (!error)
            complete(std::move(stream_));
        else if (error != Errc::would_block)
            complete(error);
    }

    void complete(result<std::unique_ptr<TlsStream>> outcome) {
        deadline_.cancel();
        if (outcome.has_value()) (*outcome)->set_handler(nullptr);
        // A failed stream goes only now that nothing of it is on the stack but calls that return at once.
        const auto failed = std::move(stream_);
        if (const auto done = std::exchange(done_, nullptr)) done(std::move(outcome));
    }

    boost::asio::steady_timer deadline_;
    std::unique_ptr<TlsStream> stream_;
    Done done_;
};

TlsHandshake::TlsHandshake(boost::asio::any_io_executor executor, std::unique_ptr<TlsStream> stream, Done done)
    : run_(std::make_shared<Run>(std::move(executor), std::move(stream), std::move(done))) {
    run_->begin();
}

TlsHandshake::~TlsHandshake() {
    run_->cancel();
}

}  // namespace tubes::transports
