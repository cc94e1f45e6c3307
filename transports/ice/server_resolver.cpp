// SPDX-License-Identifier: GPL-3.0-or-later
// One lookup per server, joined under a timer.
#include "transports/ice/server_resolver.hpp"

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <utility>

#include "tubes/base/log.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::udp;
using core::ports::IceServer;
using Resolver = boost::asio::ip::basic_resolver<udp, boost::asio::any_io_executor>;

constexpr auto kDeadline = 1500ms;
constexpr std::size_t kMaxServers = 8;

class Lookup : public std::enable_shared_from_this<Lookup> {
public:
    Lookup(boost::asio::any_io_executor executor, std::function<void(std::vector<IceServerAddress>)> done)
        : executor_(std::move(executor)), timer_(executor_), resolver_(executor_), done_(std::move(done)) {}

    void start(const std::vector<IceServer>& servers) {
        for (const auto& server : servers) {
            if (is_usable_ice_server(server) && pending_ + found_.size() < kMaxServers) add(server);
        }
        timer_.expires_after(pending_ == 0 ? 0ms : kDeadline);
        timer_.async_wait([self = shared_from_this()](const error_code&) { self->finish(); });
    }

private:
    void add(const IceServer& server) {
        boost::system::error_code failure;
        const auto literal = boost::asio::ip::make_address(server.host, failure);
        if (!failure) {
            found_.push_back({server, literal});
            return;
        }
        ++pending_;
        resolver_.async_resolve(server.host, std::to_string(server.port),
                                [self = shared_from_this(), server](const error_code& error, const auto& results) {
                                    self->on_resolved(server, error, results);
                                });
    }

    void on_resolved(const IceServer& server, const error_code& error, const Resolver::results_type& results) {
        if (error) base::logger("ice")->info("cannot resolve {}: {}", base::printable(server.host), error.message());
        bool has_v4 = false, has_v6 = false;
        for (const auto& entry : results) {
            const auto address = entry.endpoint().address();
            if (std::exchange(address.is_v4() ? has_v4 : has_v6, true)) continue;
            found_.push_back({server, address});
        }
        if (--pending_ == 0) timer_.cancel();
    }

    void finish() {
        resolver_.cancel();
        for (const auto& each : found_) {
            base::logger("ice")->debug("asks {} {} port {}", is_relay(each.server) ? "TURN server" : "STUN server",
                                       each.address.to_string(), each.server.port);
        }
        if (auto done = std::exchange(done_, nullptr)) done(std::move(found_));
    }

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer timer_;
    Resolver resolver_;
    std::function<void(std::vector<IceServerAddress>)> done_;
    std::vector<IceServerAddress> found_;
    std::size_t pending_ = 0;
};

}  // namespace

bool is_relay(const IceServer& server) noexcept {
    return server.scheme == IceServer::Scheme::turn_udp || server.scheme == IceServer::Scheme::turn_tcp;
}

bool is_usable_ice_server(const IceServer& server) noexcept {
    const bool known = server.scheme == IceServer::Scheme::stun || is_relay(server);
    return known && !server.host.empty() && server.host.size() <= 255 && server.port != 0;
}

void resolve_ice_servers(boost::asio::any_io_executor executor, const std::vector<IceServer>& servers,
                         std::function<void(std::vector<IceServerAddress>)> done) {
    std::make_shared<Lookup>(std::move(executor), std::move(done))->start(servers);
}

}  // namespace tubes::transports
