// SPDX-License-Identifier: GPL-3.0-or-later
// One try at an in-band path.
#include "transports/in_band/in_band_transport.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "transports/guarded.hpp"
#include "transports/streams/framed_path.hpp"
#include "transports/tls/tls_description.hpp"
#include "transports/tls/tls_handshake.hpp"

namespace tubes::transports {

namespace {

using core::LinkRole;
using core::ports::AttemptParameters;
using core::ports::Candidate;
using core::ports::PathAttempt;
using core::ports::TransportDescription;

/// The name of a stream, known to its two ends; on the wire 32 hexadecimal digits.
using SessionName = base::FixedBytes<struct InBandSessionTag, 16>;

class Negotiation final : public std::enable_shared_from_this<Negotiation>, private ByteStream::Handler {
public:
    Negotiation(boost::asio::any_io_executor executor, AttemptParameters parameters,
                std::chrono::milliseconds time_limit)
        : executor_(executor), parameters_(std::move(parameters)), time_limit_(time_limit), deadline_(executor) {}

    void start(PathAttempt::Handler& handler) {
        handler_ = &handler;
        boost::asio::post(executor_, guarded(this, [](Negotiation& self) { self.announce(); }));
    }

    void set_remote_description(const TransportDescription& description) {
        if (context_->knows_peer()) return;
        const auto parsed = parse_tls_description(description.attributes);
        const auto named = description.attributes.find("session");
        const auto session = named == description.attributes.end() ? result<SessionName>(Errc::protocol_violation)
                                                                   : SessionName::from_hex(named->second);
        if (!parsed || !session) return post_failure(Errc::protocol_violation);
        context_->expect_peer(parsed->fingerprint, parsed->token);
        deadline_.expires_after(time_limit_);
        deadline_.async_wait(guarded(this, [](Negotiation& self, const error_code& error) {
            if (!error) self.fail(Errc::no_path);
        }));
        if (parameters_.role == LinkRole::responder) return await_first_bytes();
        auto stream = parameters_.carrier->make_in_band(session->hex(), true);
        if (!stream) return post_failure(Errc::no_path);
        shake_hands(std::move(stream), TlsRole::client);
    }

    void close() {
        handler_ = nullptr;
        stop();
    }

private:
    void announce() {
        if (!handler_) return;
        if (parameters_.role == LinkRole::responder) {
            expected_ = parameters_.carrier->make_in_band(session_.hex(), false);
            if (!expected_) return fail(Errc::limit_exceeded);
            await_first_bytes();
        }
        auto attributes = describe(*context_);
        attributes.emplace("session", session_.hex());
        const auto self = shared_from_this();
        handler_->on_description({PathKind::in_band, std::move(attributes)});
        if (handler_) handler_->on_candidates_end();
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
            executor_, std::make_unique<TlsStream>(context_, std::move(stream), role),
            guarded(this, [](Negotiation& self, result<std::unique_ptr<TlsStream>> outcome) {
                if (outcome.has_error()) return self.fail(outcome.error());
                self.open(std::move(outcome).value());
            }));
    }

    void open(std::unique_ptr<TlsStream> stream) {
        const core::ports::PathInfo info{PathKind::in_band, "", "",
                                         "inside the messaging connection, " + stream->description()};
        const auto binding = stream->channel_binding();
        auto path = std::make_unique<FramedPath>(executor_, std::move(stream), info, binding);
        const auto self = shared_from_this();
        stop();
        if (auto* handler = std::exchange(handler_, nullptr)) handler->on_path(std::move(path));
    }

    void post_failure(error_code reason) {
        boost::asio::post(executor_, guarded(this, [reason](Negotiation& self) { self.fail(reason); }));
    }

    void fail(error_code reason) {
        const auto self = shared_from_this();
        stop();
        if (auto* handler = std::exchange(handler_, nullptr)) handler->on_failed(reason);
    }

    void stop() {
        deadline_.cancel();
        handshake_.reset();
        expected_.reset();
    }

    boost::asio::any_io_executor executor_;
    AttemptParameters parameters_;
    std::chrono::milliseconds time_limit_;
    boost::asio::steady_timer deadline_;
    SessionName session_ = SessionName::random();
    std::shared_ptr<TlsContext> context_ = std::make_shared<TlsContext>();
    PathAttempt::Handler* handler_ = nullptr;
    std::unique_ptr<ByteStream> expected_;  ///< The responder's, until the first bytes are there.
    std::unique_ptr<TlsHandshake> handshake_;
};

class InBandAttempt final : public PathAttempt {
public:
    explicit InBandAttempt(std::shared_ptr<Negotiation> negotiation) : negotiation_(std::move(negotiation)) {}
    ~InBandAttempt() override { negotiation_->close(); }
    InBandAttempt(const InBandAttempt&) = delete;
    InBandAttempt& operator=(const InBandAttempt&) = delete;

    void start(Handler& handler) override { negotiation_->start(handler); }
    void set_remote_description(const TransportDescription& description) override {
        negotiation_->set_remote_description(description);
    }
    void add_remote_candidate(const Candidate&) override {}
    void remote_candidates_end() override {}
    void close() override { negotiation_->close(); }

private:
    std::shared_ptr<Negotiation> negotiation_;
};

}  // namespace

InBandTransport::InBandTransport(boost::asio::any_io_executor executor, std::chrono::milliseconds time_limit)
    : executor_(std::move(executor)), time_limit_(time_limit) {}

std::unique_ptr<PathAttempt> InBandTransport::make_attempt(AttemptParameters parameters) {
    if (!parameters.carrier) return nullptr;
    return std::make_unique<InBandAttempt>(
        std::make_shared<Negotiation>(executor_, std::move(parameters), time_limit_));
}

}  // namespace tubes::transports
