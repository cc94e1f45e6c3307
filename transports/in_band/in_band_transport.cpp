// SPDX-License-Identifier: GPL-3.0-or-later
// One try at an in-band path.
#include "transports/in_band/in_band_transport.hpp"

#include "transports/negotiation.hpp"
#include "transports/streams/framed_path.hpp"
#include "transports/tls/tls_description.hpp"
#include "transports/tls/tls_handshake.hpp"

namespace tubes::transports {

namespace {

using core::LinkRole;
using core::ports::AttemptParameters;
using core::ports::PathAttempt;
using core::ports::TransportDescription;

/// The name of a stream, known to its two ends; on the wire 32 hexadecimal digits.
using SessionName = base::FixedBytes<struct InBandSessionTag, 16>;

class InBandNegotiation final : public Negotiation, private ByteStream::Handler {
public:
    InBandNegotiation(boost::asio::any_io_executor executor, AttemptParameters parameters,
                      std::chrono::milliseconds time_limit)
        : Negotiation(std::move(executor)), parameters_(std::move(parameters)), time_limit_(time_limit) {}

    void set_remote_description(const TransportDescription& description) override {
        if (context_->knows_peer()) return;
        const auto parsed = parse_tls_description(description.attributes);
        const auto named = description.attributes.find("session");
        const auto session = named == description.attributes.end() ? result<SessionName>(Errc::protocol_violation)
                                                                   : SessionName::from_hex(named->second);
        if (!parsed || !session) return fail_later(Errc::protocol_violation);
        context_->expect_peer(parsed->fingerprint, parsed->token);
        limit_time(time_limit_);
        if (parameters_.role == LinkRole::responder) return await_first_bytes();
        auto stream = parameters_.carrier->make_in_band(session->hex(), true);
        if (!stream) return fail_later(Errc::no_path);
        shake_hands(std::move(stream), TlsRole::client);
    }

private:
    void announce() override {
        if (parameters_.role == LinkRole::responder) {
            expected_ = parameters_.carrier->make_in_band(session_.hex(), false);
            if (!expected_) return fail(Errc::limit_exceeded);
            await_first_bytes();
        }
        auto attributes = describe(*context_);
        attributes.emplace("session", session_.hex());
        const auto self = shared_from_this();
        handler()->on_description({PathKind::in_band, std::move(attributes)});
        if (handler()) handler()->on_candidates_end();
    }

    /// The deadline of the handshake begins with the peer's first byte: they may start seconds later than we do.
    void await_first_bytes() {
        if (!expected_ || !context_->knows_peer()) return;
        expected_->set_handler(this);
        expected_->want_readable();
    }

    void on_readable() override { shake_hands(std::move(expected_), TlsRole::server); }
    void on_writable() override {}

    void shake_hands(std::unique_ptr<ByteStream> stream, TlsRole role) {
        handshake_ = std::make_unique<TlsHandshake>(
            executor(), std::make_unique<TlsStream>(context_, std::move(stream), role),
            guarded(this, [](InBandNegotiation& self, result<std::unique_ptr<TlsStream>> outcome) {
                if (outcome.has_error()) return self.fail(outcome.error());
                self.open(std::move(outcome).value());
            }));
    }

    void open(std::unique_ptr<TlsStream> stream) {
        const core::ports::PathInfo info{PathKind::in_band, "", "",
                                         "inside the messaging connection, " + stream->description()};
        const auto binding = stream->channel_binding();
        auto path = std::make_unique<FramedPath>(executor(), std::move(stream), info, binding);
        succeed(std::move(path));
    }

    void stop() override {
        handshake_.reset();
        expected_.reset();
    }

    AttemptParameters parameters_;
    std::chrono::milliseconds time_limit_;
    SessionName session_ = SessionName::random();
    std::shared_ptr<TlsContext> context_ = std::make_shared<TlsContext>();
    std::unique_ptr<ByteStream> expected_;  ///< The responder's, until the first bytes are there.
    std::unique_ptr<TlsHandshake> handshake_;
};

}  // namespace

InBandTransport::InBandTransport(boost::asio::any_io_executor executor, std::chrono::milliseconds time_limit)
    : executor_(std::move(executor)), time_limit_(time_limit) {}

std::unique_ptr<PathAttempt> InBandTransport::make_attempt(AttemptParameters parameters) {
    if (!parameters.carrier) return nullptr;
    return own(std::make_shared<InBandNegotiation>(executor_, std::move(parameters), time_limit_));
}

}  // namespace tubes::transports
