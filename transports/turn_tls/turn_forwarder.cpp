// SPDX-License-Identifier: GPL-3.0-or-later
// Accepts on loopback, connects to the server, and carries bytes both ways.
#include "transports/turn_tls/turn_forwarder.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>

#include "tubes/base/log.hpp"
#include "tubes/base/outbound.hpp"

namespace tubes::transports {

namespace {

namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;
using core::ports::IceServer;

constexpr std::chrono::seconds kTlsDeadline{10};  // for the handshake with the server

/// One of libnice's connections and ours to the server. Lives as long as it has operations under way.
class Forwarded : public std::enable_shared_from_this<Forwarded> {
public:
    Forwarded(tcp::socket client, std::shared_ptr<ssl::context> context, IceServer server)
        : client_(std::move(client)),
          deadline_(client_.get_executor()),
          context_(std::move(context)),
          server_(std::move(server)) {}

    void start(const base::Proxy& proxy) {
        // What keeps this alive until the server answers; Outbound has a shorter deadline of its own.
        deadline_.expires_after(2 * base::kOutboundDeadline);
        deadline_.async_wait([self = shared_from_this()](const error_code& cancelled) {
            if (!cancelled) self->close();
        });
        outbound_ = std::make_unique<base::Outbound>(
            client_.get_executor(), proxy, server_.host, server_.port, nullptr,
            [weak = weak_from_this()](error_code error, tcp::socket socket, const std::string& detail) {
                if (const auto self = weak.lock()) self->on_connected(error, std::move(socket), detail);
            });
    }

private:
    using Secure = ssl::stream<tcp::socket>;

    void on_connected(error_code error, tcp::socket socket, const std::string& detail) {
        const auto done = std::move(outbound_);
        deadline_.cancel();
        if (error) return give_up(detail);
        if (!context_) {
            plain_ = std::make_unique<tcp::socket>(std::move(socket));
            return pump_all(*plain_);
        }
        secure_ = std::make_unique<Secure>(std::move(socket), *context_);
        secure_->set_verify_mode(ssl::verify_peer);
        secure_->set_verify_callback(ssl::host_name_verification(server_.host));
        boost::system::error_code is_name;
        boost::asio::ip::make_address(server_.host, is_name);
        if (is_name) SSL_set_tlsext_host_name(secure_->native_handle(), server_.host.c_str());
        deadline_.expires_after(kTlsDeadline);
        deadline_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
            const auto self = weak.lock();
            if (self && !cancelled) self->give_up("no TLS handshake in time");
        });
        secure_->async_handshake(ssl::stream_base::client, [self = shared_from_this()](const error_code& failed) {
            self->deadline_.cancel();
            if (failed) return self->give_up(failed.message());
            self->pump_all(*self->secure_);
        });
    }

    void give_up(const std::string& why) {
        base::logger("ice")->warn("TURN server {} port {}: {}", base::printable(server_.host), server_.port, why);
        close();
    }

    void close() {
        boost::system::error_code ignored;
        client_.close(ignored);
        if (plain_) plain_->close(ignored);
        if (secure_) secure_->lowest_layer().close(ignored);
    }

    template <class Stream>
    void pump_all(Stream& server) {
        pump(client_, server, up_);
        pump(server, client_, down_);
    }

    template <class From, class To>
    void pump(From& from, To& to, std::array<std::uint8_t, 16384>& buffer) {
        from.async_read_some(boost::asio::buffer(buffer), [self = shared_from_this(), &from, &to, &buffer](
                                                              const error_code& error, std::size_t count) {
            if (error) return self->close();
            boost::asio::async_write(to, boost::asio::buffer(buffer.data(), count),
                                     [self, &from, &to, &buffer](const error_code& failed, std::size_t) {
                                         if (failed) return self->close();
                                         self->pump(from, to, buffer);
                                     });
        });
    }

    tcp::socket client_;
    boost::asio::steady_timer deadline_;
    std::shared_ptr<ssl::context> context_;  ///< Null: without TLS.
    IceServer server_;
    std::unique_ptr<base::Outbound> outbound_;
    std::unique_ptr<tcp::socket> plain_;
    std::unique_ptr<Secure> secure_;
    std::array<std::uint8_t, 16384> up_{};
    std::array<std::uint8_t, 16384> down_{};
};

/// Null, and a line in the log, if the authorities cannot be read.
std::shared_ptr<ssl::context> make_context(const IceServer& server) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    error_code error;
    if (server.ca_file.empty())
        context->set_default_verify_paths(error);
    else
        context->load_verify_file(server.ca_file, error);
    if (!error) return context;
    base::logger("ice")->warn("cannot read certificates for TURN: {}", error.message());
    return nullptr;
}

}  // namespace

class TurnForwarder::Run : public std::enable_shared_from_this<Run> {
public:
    Run(const boost::asio::any_io_executor& executor, base::Proxy proxy, IceServer server)
        : acceptor_(executor), proxy_(std::move(proxy)), server_(std::move(server)) {}

    bool listen() {
        if (server_.scheme == IceServer::Scheme::turn_tls && !(context_ = make_context(server_))) return false;
        error_code error;
        acceptor_.open(tcp::v4(), error);
        if (!error) acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0}, error);
        if (!error) acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
        if (error) return false;
        port_ = acceptor_.local_endpoint(error).port();
        accept();
        return true;
    }

    IceServer local_server() const {
        IceServer local = server_;
        local.scheme = IceServer::Scheme::turn_tcp;
        local.host = "127.0.0.1";
        local.port = port_;
        return local;
    }

    void close() {
        error_code ignored;
        acceptor_.close(ignored);
    }

private:
    void accept() {
        acceptor_.async_accept([weak = weak_from_this()](const error_code& error, tcp::socket socket) {
            const auto self = weak.lock();
            if (!self || error) return;
            std::make_shared<Forwarded>(std::move(socket), self->context_, self->server_)->start(self->proxy_);
            if (++self->accepted_ < kMaxForwardedConnections) self->accept();
        });
    }

    tcp::acceptor acceptor_;
    base::Proxy proxy_;
    IceServer server_;
    std::shared_ptr<ssl::context> context_;
    std::uint16_t port_ = 0;
    std::size_t accepted_ = 0;
};

std::unique_ptr<TurnForwarder> TurnForwarder::make(boost::asio::any_io_executor executor, const base::Proxy& proxy,
                                                   const IceServer& server) {
    auto run = std::make_shared<Run>(executor, proxy, server);
    if (!run->listen()) return nullptr;
    return std::unique_ptr<TurnForwarder>(new TurnForwarder(std::move(run)));
}

TurnForwarder::~TurnForwarder() {
    run_->close();
}

IceServer TurnForwarder::local_server() const {
    return run_->local_server();
}

}  // namespace tubes::transports
