// SPDX-License-Identifier: GPL-3.0-or-later
// Writes and awaits the nomination frame.
#include "transports/tls/nomination.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include "transports/streams/frame.hpp"

namespace tubes::transports {

error_code nominate(TlsStream& stream) {
    const auto taken = stream.write_some(kNominationFrame);
    if (taken.has_error()) return taken.error();
    return *taken == kNominationFrame.size() ? error_code() : make_error_code(Errc::broken);
}

class NominationWait::Run final : public std::enable_shared_from_this<Run>, private ByteStream::Handler {
public:
    Run(std::unique_ptr<TlsStream> stream, Done done) : stream_(std::move(stream)), done_(std::move(done)) {}

    void begin(const boost::asio::any_io_executor& executor) {
        stream_->set_handler(this);
        boost::asio::post(executor, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->step();
        });
    }

    void cancel() {
        done_ = nullptr;
        stream_.reset();
    }

private:
    void on_readable() override {
        const auto self = shared_from_this();
        step();
    }
    void on_writable() override {}

    void step() {
        while (stream_ && received_ < frame_.size()) {
            const auto count = stream_->read_some(base::MutableByteView(frame_).subspan(received_));
            if (count.has_error()) {
                if (count.error() == Errc::would_block) return stream_->want_readable();
                return complete(count.error());
            }
            received_ += *count;
        }
        if (!stream_) return;
        if (frame_ != kNominationFrame) return complete(make_error_code(Errc::protocol_violation));
        complete(std::move(stream_));
    }

    void complete(result<std::unique_ptr<TlsStream>> outcome) {
        if (outcome.has_value()) (*outcome)->set_handler(nullptr);
        const auto failed = std::move(stream_);
        if (const auto done = std::exchange(done_, nullptr)) done(std::move(outcome));
    }

    std::unique_ptr<TlsStream> stream_;
    Done done_;
    std::array<std::uint8_t, kNominationFrame.size()> frame_{};
    std::size_t received_ = 0;
};

NominationWait::NominationWait(boost::asio::any_io_executor executor, std::unique_ptr<TlsStream> stream, Done done)
    : run_(std::make_shared<Run>(std::move(stream), std::move(done))) {
    run_->begin(executor);
}

NominationWait::~NominationWait() {
    run_->cancel();
}

}  // namespace tubes::transports
