// SPDX-License-Identifier: GPL-3.0-or-later
// Steps through a handshake as bytes arrive.
#include "transports/tls/tls_handshake.hpp"

#include <boost/asio/steady_timer.hpp>

#include "transports/streams/stream_step.hpp"

namespace tubes::transports {

class TlsHandshake::Run final : public StreamStep<TlsStream> {
public:
    Run(const boost::asio::any_io_executor& executor, std::unique_ptr<TlsStream> stream, Done done)
        : StreamStep(std::move(stream), std::move(done)), deadline_(executor, kHandshakeDeadline) {}

    void start() {
        deadline_.async_wait(guarded(this, [](Run& self, const error_code& error) {
            if (!error) self.fail(make_error_code(Errc::timed_out));
        }));
        begin(deadline_.get_executor());
    }

private:
    void advance() override {
        const auto error = stream().continue_handshake();
        if (error == Errc::would_block) return;
        deadline_.cancel();
        error ? fail(error) : succeed();
    }

    boost::asio::steady_timer deadline_;
};

TlsHandshake::TlsHandshake(boost::asio::any_io_executor executor, std::unique_ptr<TlsStream> stream, Done done)
    : run_(std::make_shared<Run>(executor, std::move(stream), std::move(done))) {
    run_->start();
}

TlsHandshake::~TlsHandshake() {
    run_->cancel();
}

}  // namespace tubes::transports
