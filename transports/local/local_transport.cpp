// SPDX-License-Identifier: GPL-3.0-or-later
// One try at the same-machine path.
#include "transports/local/local_transport.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <algorithm>
#include <list>

#include "transports/crypto/crypto.hpp"
#include "transports/local/machine.hpp"
#include "transports/local/token_exchange.hpp"
#include "transports/negotiation.hpp"
#include "transports/streams/framed_path.hpp"
#include "transports/streams/socket_stream.hpp"
#include "transports/tls/tls_description.hpp"
#include "transports/tls/tls_handshake.hpp"
#include "tubes/base/log.hpp"
#include "tubes/base/peer_credentials.hpp"

namespace tubes::transports {

namespace {

using boost::asio::local::stream_protocol;
using core::LinkRole;
using core::ports::AttemptParameters;
using core::ports::PathAttempt;
using core::ports::PathInfo;
using core::ports::TransportDescription;

/// Connections that have not shown a token yet; the oldest goes when one more comes.
constexpr std::size_t kMaxUnverified = 8;
/// Connections taken in an attempt's life: whoever floods this socket ends the attempt, and other paths remain.
constexpr std::size_t kMaxAccepted = 256;
constexpr int kBacklog = 8;

using SocketName = base::FixedBytes<struct SocketNameTag, 16>;

/// The name lies in the abstract namespace (unix(7)): no file, gone with the listener.
stream_protocol::endpoint abstract_endpoint(const SocketName& name) {
    return stream_protocol::endpoint(std::string(1, '\0') + "tubes-" + name.hex());
}

/// Binds a path between one user's processes: both tokens are fresh and known to the two ends only.
core::Digest token_binding(const core::LinkId& link, const PathToken& initiator, const PathToken& responder) {
    const auto text = fmt::format("tubes local path v1\n{}\n{}\n{}\n", link.hex(), initiator.hex(), responder.hex());
    return OpenSslCrypto().sha256(base::as_bytes(text));
}

class LocalNegotiation final : public Negotiation {
public:
    LocalNegotiation(const boost::asio::any_io_executor& executor, AttemptParameters parameters,
                     const core::Digest& mark, LocalOptions options)
        : Negotiation(executor),
          parameters_(std::move(parameters)),
          mark_(mark),
          options_(options),
          acceptor_(executor),
          dialling_(executor) {}

    void set_remote_description(const TransportDescription& description) override {
        if (context_->knows_peer()) return;
        const auto parsed = parse_tls_description(description.attributes);
        const auto machine = description.attributes.find("machine");
        const auto name = description.attributes.find("name");
        if (!parsed || machine == description.attributes.end() || name == description.attributes.end()) {
            return fail_later(Errc::protocol_violation);
        }
        if (machine->second != mark_.hex()) return fail_later(Errc::no_path);
        const auto peer_name = SocketName::from_hex(name->second);
        if (!peer_name) return fail_later(Errc::protocol_violation);
        context_->expect_peer(parsed->fingerprint, parsed->token);
        peer_token_ = parsed->token;
        limit_time(options_.time_limit);
        if (parameters_.role == LinkRole::initiator) return dial(*peer_name);
        for (auto& socket : std::exchange(early_, {})) add_connection(std::move(socket), TlsRole::server);
    }

private:
    struct Connection {
        PathInfo info;
        std::unique_ptr<TokenExchange> tokens;
        std::unique_ptr<TlsHandshake> handshake;
    };
    using Entry = std::list<Connection>::iterator;

    void announce() override {
        if (parameters_.role == LinkRole::responder && !listen()) return fail(Errc::no_path);
        auto attributes = describe(*context_);
        attributes.emplace("machine", mark_.hex());
        attributes.emplace("name", name_.hex());
        const auto self = shared_from_this();
        handler()->on_description({PathKind::local, std::move(attributes)});
        if (handler()) handler()->on_candidates_end();
    }

    bool listen() {
        error_code error;
        acceptor_.open(stream_protocol(), error);
        if (!error) acceptor_.bind(abstract_endpoint(name_), error);
        if (!error) acceptor_.listen(kBacklog, error);
        if (error) return false;
        accept();
        return true;
    }

    void accept() {
        acceptor_.async_accept(
            guarded(this, [](LocalNegotiation& self, const error_code& error, stream_protocol::socket socket) {
                if (error || !self.acceptor_.is_open() || ++self.accepted_ > kMaxAccepted) return;
                self.accept();
                if (self.connections_.size() >= kMaxUnverified) self.connections_.pop_front();
                self.add_connection(std::move(socket), TlsRole::server);
            }));
    }

    void dial(const SocketName& name) {
        dialling_.async_connect(abstract_endpoint(name),
                                guarded(this, [](LocalNegotiation& self, const error_code& error) {
                                    if (error) return self.fail(Errc::no_path);
                                    self.add_connection(std::move(self.dialling_), TlsRole::client);
                                }));
    }

    void add_connection(stream_protocol::socket socket, TlsRole role) {
        if (!handler()) return;
        if (!context_->knows_peer()) {
            if (early_.size() < kMaxUnverified) early_.push_back(std::move(socket));
            return;
        }
        const auto peer = base::peer_credentials(socket.native_handle());
        if (!peer) return check_dialled();
        const auto remote = fmt::format("process {}, user {}", peer->process, peer->user);
        connections_.push_back({{PathKind::local, "", remote, "Unix socket, same user"}, nullptr, nullptr});
        const auto entry = std::prev(connections_.end());
        auto stream = std::make_unique<SocketStream>(std::move(socket));
        if (peer->is_same_user() && !options_.always_encrypt)
            exchange_tokens(entry, std::move(stream), role);
        else
            shake_hands(entry, std::move(stream), role);
    }

    void exchange_tokens(Entry entry, std::unique_ptr<ByteStream> stream, TlsRole role) {
        entry->tokens = std::make_unique<TokenExchange>(
            executor(), std::move(stream), role, TokenExchange::Tokens{context_->own_token(), peer_token_},
            guarded(this, [entry](LocalNegotiation& self, result<std::unique_ptr<ByteStream>> outcome) {
                if (outcome.has_error()) return self.drop(entry, outcome.error());
                const bool initiates = self.parameters_.role == LinkRole::initiator;
                const auto& own = self.context_->own_token();
                self.open(entry, std::move(outcome).value(),
                          token_binding(self.parameters_.link, initiates ? own : self.peer_token_,
                                        initiates ? self.peer_token_ : own));
            }));
    }

    void shake_hands(Entry entry, std::unique_ptr<ByteStream> stream, TlsRole role) {
        entry->handshake = std::make_unique<TlsHandshake>(
            executor(), std::make_unique<TlsStream>(context_, std::move(stream), role),
            guarded(this, [entry](LocalNegotiation& self, result<std::unique_ptr<TlsStream>> outcome) {
                if (outcome.has_error()) return self.drop(entry, outcome.error());
                entry->info.detail = "Unix socket, " + (*outcome)->description();
                const auto binding = (*outcome)->channel_binding();
                self.open(entry, std::move(outcome).value(), binding);
            }));
    }

    void drop(Entry entry, error_code reason) {
        base::logger("local")->debug("connection with {} dropped: {}", entry->info.remote_address, reason.message());
        connections_.erase(entry);
        check_dialled();
    }

    /// The initiator has one connection; a responder goes on waiting for the right one.
    void check_dialled() {
        if (parameters_.role == LinkRole::initiator) fail(Errc::no_path);
    }

    void open(Entry entry, std::unique_ptr<ByteStream> stream, const core::Digest& binding) {
        auto path = std::make_unique<FramedPath>(executor(), std::move(stream), entry->info, binding);
        succeed(std::move(path));
    }

    void stop() override {
        error_code ignored;
        acceptor_.close(ignored);
        dialling_.close(ignored);
        connections_.clear();
        early_.clear();
    }

    AttemptParameters parameters_;
    core::Digest mark_;
    LocalOptions options_;
    SocketName name_ = SocketName::random();
    std::shared_ptr<TlsContext> context_ = std::make_shared<TlsContext>();
    PathToken peer_token_;
    stream_protocol::acceptor acceptor_;
    stream_protocol::socket dialling_;
    std::list<Connection> connections_;
    std::vector<stream_protocol::socket> early_;  ///< Came before the peer's description.
    std::size_t accepted_ = 0;
};

}  // namespace

LocalTransport::LocalTransport(boost::asio::any_io_executor executor, LocalOptions options)
    : executor_(std::move(executor)), options_(options) {}

std::unique_ptr<PathAttempt> LocalTransport::make_attempt(AttemptParameters parameters) {
    const auto mark = machine_mark(parameters.link);
    if (!mark || parameters.addresses == AddressPolicy::relay_only) return nullptr;
    return own(std::make_shared<LocalNegotiation>(executor_, std::move(parameters), *mark, options_));
}

}  // namespace tubes::transports
