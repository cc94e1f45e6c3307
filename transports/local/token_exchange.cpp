// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one token and checks the other.
#include "transports/local/token_exchange.hpp"

#include <boost/asio/post.hpp>
#include <openssl/crypto.h>

namespace tubes::transports {

class TokenExchange::Run final : public std::enable_shared_from_this<Run>, private ByteStream::Handler {
public:
    Run(std::unique_ptr<ByteStream> stream, TlsRole role, const Tokens& tokens, Done done)
        : stream_(std::move(stream)), role_(role), tokens_(tokens), done_(std::move(done)) {}

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
        if (!stream_) return;
        if (role_ == TlsRole::client && !sent_ && !send_token()) return;
        while (received_ < PathToken::kSize) {
            const auto count = stream_->read_some(base::MutableByteView(shown_.bytes).subspan(received_));
            if (count.has_error()) {
                if (count.error() == Errc::would_block) return stream_->want_readable();
                return complete(count.error());
            }
            received_ += *count;
        }
        // Each end expects to see its own token: only who read the signaling knows it.
        if (CRYPTO_memcmp(shown_.bytes.data(), tokens_.own.bytes.data(), PathToken::kSize) != 0) {
            return complete(make_error_code(Errc::refused));
        }
        if (role_ == TlsRole::server && !send_token()) return;
        complete(std::move(stream_));
    }

    /// A fresh socket takes 16 bytes at once, or it is broken.
    bool send_token() {
        sent_ = true;
        const auto taken = stream_->write_some(tokens_.peer.view());
        if (taken.has_value() && *taken == PathToken::kSize) return true;
        complete(taken.has_error() ? taken.error() : make_error_code(Errc::broken));
        return false;
    }

    void complete(result<std::unique_ptr<ByteStream>> outcome) {
        if (outcome.has_value()) (*outcome)->set_handler(nullptr);
        const auto failed = std::move(stream_);
        if (const auto done = std::exchange(done_, nullptr)) done(std::move(outcome));
    }

    std::unique_ptr<ByteStream> stream_;
    TlsRole role_;
    Tokens tokens_;
    Done done_;
    PathToken shown_;
    std::size_t received_ = 0;
    bool sent_ = false;
};

TokenExchange::TokenExchange(boost::asio::any_io_executor executor, std::unique_ptr<ByteStream> stream, TlsRole role,
                             const Tokens& tokens, Done done)
    : run_(std::make_shared<Run>(std::move(stream), role, tokens, std::move(done))) {
    run_->begin(executor);
}

TokenExchange::~TokenExchange() {
    run_->cancel();
}

}  // namespace tubes::transports
