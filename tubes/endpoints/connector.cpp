// SPDX-License-Identifier: GPL-3.0-or-later
// Resolving and connecting, with a deadline and errors a user can act on.
#include "tubes/endpoints/connector.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tubes/endpoints/descriptor_stream.hpp"
#include "tubes/endpoints/socket_stream.hpp"
#include "tubes/endpoints/unix_address.hpp"

namespace tubes::endpoints {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;
using Done = std::function<void(result<std::unique_ptr<LocalStream>>)>;

constexpr std::chrono::seconds kConnectDeadline{10};

error_code as_tubes_error(const error_code& error) {
    if (error == asio::error::connection_refused) return make_error_code(Errc::connection_refused);
    if (error == asio::error::host_not_found || error == asio::error::host_not_found_try_again ||
        error == boost::system::errc::no_such_file_or_directory || error == asio::error::service_not_found) {
        return make_error_code(Errc::not_found);
    }
    if (error == asio::error::network_unreachable || error == asio::error::host_unreachable) {
        return make_error_code(Errc::network_unreachable);
    }
    if (error == asio::error::no_descriptors) return make_error_code(Errc::limit_exceeded);
    return error;
}

/// One connection attempt; kept alive by its operations.
class Attempt : public std::enable_shared_from_this<Attempt> {
public:
    Attempt(const asio::any_io_executor& executor, Done done)
        : resolver_(executor), tcp_(executor), unix_(executor), deadline_(executor), done_(std::move(done)) {}

    void start_tcp(const std::string& host, std::uint16_t port) {
        arm();
        resolver_.async_resolve(
            host, std::to_string(port), tcp::resolver::numeric_service,
            [self = shared_from_this()](error_code error, const tcp::resolver::results_type& addresses) {
                if (error || !self->done_) return self->end(error);
                asio::async_connect(self->tcp_, addresses, [self](error_code outcome, const tcp::endpoint&) {
                    if (outcome || !self->done_) return self->end(outcome);
                    const auto protocol = self->tcp_.local_endpoint().protocol();
                    self->succeed(GenericSocket(self->tcp_.get_executor(), {protocol.family(), SOCK_STREAM},
                                                self->tcp_.release()));
                });
            });
    }

    void start_unix(const stream_protocol::endpoint& address) {
        arm();
        unix_.async_connect(address, [self = shared_from_this()](error_code error) {
            if (error || !self->done_) return self->end(error);
            self->succeed(GenericSocket(self->unix_.get_executor(), {AF_UNIX, SOCK_STREAM}, self->unix_.release()));
        });
    }

private:
    void arm() {
        deadline_.expires_after(kConnectDeadline);
        deadline_.async_wait([weak = weak_from_this()](error_code error) {
            auto self = weak.lock();
            if (!self || error) return;
            self->resolver_.cancel();
            boost::system::error_code ignored;
            self->tcp_.close(ignored);
            self->unix_.close(ignored);
            self->end(make_error_code(Errc::timed_out));
        });
    }
    void succeed(GenericSocket socket) {
        deadline_.cancel();
        if (auto done = std::exchange(done_, nullptr)) done(make_socket_stream(std::move(socket)));
    }
    void end(error_code error) {
        deadline_.cancel();
        if (auto done = std::exchange(done_, nullptr)) done(as_tubes_error(error));
    }

    tcp::resolver resolver_;
    tcp::socket tcp_;
    stream_protocol::socket unix_;
    asio::steady_timer deadline_;
    Done done_;
};

}  // namespace

void async_connect(const asio::any_io_executor& executor, const Endpoint& target, Done done) {
    const auto fail = [&](error_code error) { asio::post(executor, [done = std::move(done), error] { done(error); }); };
    switch (target.kind) {
        case Endpoint::Kind::tcp:
            return std::make_shared<Attempt>(executor, std::move(done))->start_tcp(target.host, target.port);
        case Endpoint::Kind::unix_path:
        case Endpoint::Kind::unix_abstract: {
            const auto address = unix_address(target);
            if (!address) return fail(address.error());
            return std::make_shared<Attempt>(executor, std::move(done))->start_unix(*address);
        }
        case Endpoint::Kind::descriptors: {
            auto stream = make_descriptor_stream(executor, target.input, target.output);
            if (!stream) return fail(stream.error());
            auto held = std::make_shared<std::unique_ptr<LocalStream>>(std::move(*stream));
            return asio::post(executor, [done = std::move(done), held] { done(std::move(*held)); });
        }
        case Endpoint::Kind::udp:
        case Endpoint::Kind::dbus:
        case Endpoint::Kind::in_process: break;
    }
    fail(make_error_code(Errc::unsupported));
}

}  // namespace tubes::endpoints
