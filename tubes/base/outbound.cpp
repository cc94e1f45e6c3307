// SPDX-License-Identifier: GPL-3.0-or-later
// Resolve, connect, talk to the proxy.
#include "tubes/base/outbound.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <array>
#include <deque>
#include <vector>

#include "tubes/base/log.hpp"

namespace tubes::base {

using boost::asio::ip::tcp;

class Outbound::Run : public std::enable_shared_from_this<Run> {
public:
    Run(const boost::asio::any_io_executor& executor, const Proxy& proxy, std::string host, std::uint16_t port,
        Filter filter, Done done)
        : resolver_(executor),
          socket_(executor),
          deadline_(executor),
          host_(std::move(host)),
          port_(port),
          filter_(std::move(filter)),
          done_(std::move(done)) {
        if (!proxy.applies_to(host_)) return;
        handshakes_.emplace_back(proxy, host_, port_);
        host_ = proxy.host;
        port_ = proxy.port;
        filter_ = nullptr;
    }

    /// Who is asked behind the connection for one more tunnel.
    void then(const Proxy& next, const std::string& name) { handshakes_.emplace_back(next, name, std::uint16_t{0}); }

    void start() {
        deadline_.expires_after(kOutboundDeadline);
        deadline_.async_wait([weak = weak_from_this()](const error_code& error) {
            const auto self = weak.lock();
            if (self && !error) self->finish(Errc::timed_out, "no answer from " + self->place());
        });
        resolver_.async_resolve(host_, std::to_string(port_),
                                [weak = weak_from_this()](const error_code& error, const auto& results) {
                                    const auto self = weak.lock();
                                    if (self && self->done_) self->on_resolved(error, results);
                                });
    }

    void cancel() {
        done_ = nullptr;
        resolver_.cancel();
        deadline_.cancel();
        error_code ignored;
        socket_.close(ignored);
    }

private:
    using Resolver = boost::asio::ip::basic_resolver<tcp, boost::asio::any_io_executor>;

    std::string place() const { return fmt::format("{} port {}", printable(host_), port_); }

    void on_resolved(const error_code& error, const Resolver::results_type& results) {
        if (error) return finish(Errc::not_found, fmt::format("{}: {}", printable(host_), error.message()));
        std::vector<tcp::endpoint> endpoints;
        for (const auto& entry : results) {
            if (!filter_ || filter_(entry.endpoint().address())) endpoints.push_back(entry.endpoint());
        }
        if (endpoints.empty()) return finish(Errc::refused, place() + " is nothing that may be called");
        boost::asio::async_connect(socket_, endpoints,
                                   [weak = weak_from_this()](const error_code& failed, const tcp::endpoint&) {
                                       const auto self = weak.lock();
                                       if (self && self->done_) self->on_connected(failed);
                                   });
    }

    void on_connected(const error_code& error) {
        if (error) {
            return finish(Errc::network_unreachable, fmt::format("cannot connect to {}: {}", place(), error.message()));
        }
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
        step();
    }

    void step() {
        if (handshakes_.empty()) return finish({}, "");
        if (output_ = handshakes_.front().take_output(); !output_.empty()) {
            return boost::asio::async_write(socket_, boost::asio::buffer(output_),
                                            [weak = weak_from_this()](const error_code& error, std::size_t) {
                                                const auto self = weak.lock();
                                                if (!self || !self->done_) return;
                                                if (error)
                                                    return self->finish(Errc::broken, self->place() + " hung up");
                                                self->step();
                                            });
        }
        if (handshakes_.front().wanted() == 0) {
            handshakes_.pop_front();
            return step();
        }
        const std::size_t count = std::min(handshakes_.front().wanted(), input_.size());
        socket_.async_read_some(boost::asio::buffer(input_.data(), count),
                                [weak = weak_from_this()](const error_code& error, std::size_t got) {
                                    const auto self = weak.lock();
                                    if (!self || !self->done_) return;
                                    if (error) return self->finish(Errc::broken, self->place() + " hung up");
                                    self->on_bytes(got);
                                });
    }

    void on_bytes(std::size_t count) {
        const auto error = handshakes_.front().feed(ByteView(input_).first(count));
        if (error) return finish(error, handshakes_.front().detail());
        step();
    }

    void finish(error_code error, const std::string& detail) {
        deadline_.cancel();
        resolver_.cancel();
        const auto done = std::exchange(done_, nullptr);
        if (error) {
            error_code ignored;
            socket_.close(ignored);
        }
        if (done) done(error, std::move(socket_), detail);
    }

    Resolver resolver_;
    tcp::socket socket_;
    boost::asio::steady_timer deadline_;
    std::string host_;
    std::uint16_t port_;
    Filter filter_;
    Done done_;
    std::deque<ProxyHandshake> handshakes_;  // one inside the other
    Bytes output_;
    std::array<std::uint8_t, 512> input_{};
};

Outbound::Outbound(boost::asio::any_io_executor executor, const Proxy& proxy, std::string host, std::uint16_t port,
                   Filter filter, Done done)
    : run_(std::make_shared<Run>(executor, proxy, std::move(host), port, std::move(filter), std::move(done))) {
    run_->start();
}

Outbound::Outbound(boost::asio::any_io_executor executor, const Proxy& proxy, std::string host, std::uint16_t port,
                   std::string name, Filter filter, Done done)
    : run_(std::make_shared<Run>(executor, proxy, std::move(host), port, std::move(filter), std::move(done))) {
    Proxy server;
    server.kind = Proxy::Kind::socks5;
    run_->then(server, name);
    run_->start();
}

Outbound::~Outbound() {
    run_->cancel();
}

}  // namespace tubes::base
