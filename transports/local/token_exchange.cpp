// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one token and checks the other.
#include "transports/local/token_exchange.hpp"

#include <openssl/crypto.h>

#include "transports/streams/stream_step.hpp"

namespace tubes::transports {

class TokenExchange::Run final : public StreamStep<ByteStream> {
public:
    Run(std::unique_ptr<ByteStream> stream, TlsRole role, const Tokens& tokens, Done done)
        : StreamStep(std::move(stream), std::move(done)), role_(role), tokens_(tokens) {}

private:
    void advance() override {
        if (role_ == TlsRole::client && !sent_ && !send_token()) return;
        if (!fill(shown_.bytes, received_)) return;
        // Each end expects to see its own token: only who read the signaling knows it.
        if (CRYPTO_memcmp(shown_.bytes.data(), tokens_.own.bytes.data(), PathToken::kSize) != 0) {
            return fail(make_error_code(Errc::refused));
        }
        if (role_ == TlsRole::server && !send_token()) return;
        succeed();
    }

    /// A fresh socket takes 16 bytes at once, or it is broken.
    bool send_token() {
        sent_ = true;
        const auto taken = stream().write_some(tokens_.peer.view());
        if (taken.has_value() && *taken == PathToken::kSize) return true;
        fail(taken.has_error() ? taken.error() : make_error_code(Errc::broken));
        return false;
    }

    TlsRole role_;
    Tokens tokens_;
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
