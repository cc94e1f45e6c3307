// SPDX-License-Identifier: GPL-3.0-or-later
// Listening sockets of both families.
#include "tubes/endpoints/acceptor.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tubes/endpoints/socket_stream.hpp"
#include "tubes/endpoints/unix_address.hpp"

namespace tubes::endpoints {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;

constexpr std::chrono::milliseconds kPause{100};  // after an accept that failed for want of descriptors
constexpr int kBacklog = 1024;                    // connections that wait to be accepted

/// What the acceptors of both families share; kept alive by the operation in flight.
template <class Protocol>
class AcceptLoop : public std::enable_shared_from_this<AcceptLoop<Protocol>> {
public:
    explicit AcceptLoop(const asio::any_io_executor& executor) : acceptor(executor), pause_(executor) {}

    void start(Acceptor::OnConnection on_connection) {
        on_connection_ = std::move(on_connection);
        accept();
    }
    void close() {
        boost::system::error_code ignored;
        acceptor.close(ignored);
        pause_.cancel();
        on_connection_ = nullptr;
    }

    typename Protocol::acceptor acceptor;

private:
    void accept() {
        acceptor.async_accept([self = this->shared_from_this()](error_code error, typename Protocol::socket socket) {
            if (!self->acceptor.is_open()) return;
            if (error) return self->retry();
            const auto family = self->acceptor.local_endpoint().protocol().family();
            GenericSocket generic(socket.get_executor(), {family, SOCK_STREAM}, socket.release());
            self->on_connection_(make_socket_stream(std::move(generic)));
            if (self->acceptor.is_open()) self->accept();
        });
    }
    void retry() {
        pause_.expires_after(kPause);
        pause_.async_wait([self = this->shared_from_this()](error_code error) {
            if (!error && self->acceptor.is_open()) self->accept();
        });
    }

    asio::steady_timer pause_;
    Acceptor::OnConnection on_connection_;
};

template <class Protocol>
class SocketAcceptor final : public Acceptor {
public:
    SocketAcceptor(std::shared_ptr<AcceptLoop<Protocol>> loop, Endpoint endpoint)
        : loop_(std::move(loop)), endpoint_(std::move(endpoint)) {}
    ~SocketAcceptor() override { close(); }

    Endpoint endpoint() const override { return endpoint_; }
    void start(OnConnection on_connection) override { loop_->start(std::move(on_connection)); }
    void close() override {
        if (endpoint_.kind == Endpoint::Kind::unix_path && loop_->acceptor.is_open()) {
            ::unlink(endpoint_.path.c_str());
        }
        loop_->close();
    }

private:
    std::shared_ptr<AcceptLoop<Protocol>> loop_;
    Endpoint endpoint_;
};

error_code bind_error(const error_code& error) {
    if (error == asio::error::address_in_use) return make_error_code(Errc::address_in_use);
    if (error == boost::system::errc::address_not_available) return make_error_code(Errc::invalid_argument);
    return error;
}

template <class Protocol>
error_code bind_and_listen(typename Protocol::acceptor& acceptor, const typename Protocol::endpoint& address) {
    boost::system::error_code error;
    acceptor.open(address.protocol(), error);
    if (!error && address.protocol().family() != AF_UNIX) {
        acceptor.set_option(asio::socket_base::reuse_address(true), error);
    }
    // A Unix socket's file takes its mode from the socket: closed to others from its first instant.
    if (!error && address.protocol().family() == AF_UNIX) ::fchmod(acceptor.native_handle(), 0600);
    if (!error) acceptor.bind(address, error);
    if (!error) acceptor.listen(kBacklog, error);
    return error;
}

result<std::unique_ptr<Acceptor>> listen_tcp(const asio::any_io_executor& executor, const ListenOptions& options) {
    boost::system::error_code error;
    const auto& host = options.endpoint.host;
    const auto address = asio::ip::make_address(host.empty() || host == "localhost" ? "127.0.0.1" : host, error);
    if (error) return make_error_code(Errc::invalid_argument);
    if (!address.is_loopback() && !options.allow_remote) return make_error_code(Errc::address_not_allowed);
    auto loop = std::make_shared<AcceptLoop<tcp>>(executor);
    if (const auto failed = bind_and_listen<tcp>(loop->acceptor, {address, options.endpoint.port})) {
        return bind_error(failed);
    }
    auto bound = Endpoint::tcp(address.to_string(), loop->acceptor.local_endpoint().port());
    return std::make_unique<SocketAcceptor<tcp>>(std::move(loop), std::move(bound));
}

/// True if a program listens on the socket's file.
bool is_served(const stream_protocol::endpoint& address) {
    asio::io_context context;
    stream_protocol::socket probe(context);
    boost::system::error_code error;
    probe.connect(address, error);
    return !error;
}

result<std::unique_ptr<Acceptor>> listen_unix(const asio::any_io_executor& executor, const ListenOptions& options) {
    const auto address = unix_address(options.endpoint);
    if (!address) return address.error();
    const bool has_file = options.endpoint.kind == Endpoint::Kind::unix_path;
    struct stat status {};
    if (has_file && ::lstat(options.endpoint.path.c_str(), &status) == 0) {
        if (!S_ISSOCK(status.st_mode) || is_served(*address)) return make_error_code(Errc::address_in_use);
        ::unlink(options.endpoint.path.c_str());
    }
    auto loop = std::make_shared<AcceptLoop<stream_protocol>>(executor);
    if (const auto failed = bind_and_listen<stream_protocol>(loop->acceptor, *address)) return bind_error(failed);
    return std::make_unique<SocketAcceptor<stream_protocol>>(std::move(loop), options.endpoint);
}

}  // namespace

result<std::unique_ptr<Acceptor>> listen(const asio::any_io_executor& executor, const ListenOptions& options) {
    switch (options.endpoint.kind) {
        case Endpoint::Kind::tcp: return listen_tcp(executor, options);
        case Endpoint::Kind::unix_path:
        case Endpoint::Kind::unix_abstract: return listen_unix(executor, options);
        case Endpoint::Kind::in_process:
        case Endpoint::Kind::udp:
        case Endpoint::Kind::descriptors:
        case Endpoint::Kind::dbus: break;
    }
    return make_error_code(Errc::unsupported);
}

}  // namespace tubes::endpoints
