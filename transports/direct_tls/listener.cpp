// SPDX-License-Identifier: GPL-3.0-or-later
// One acceptor per address.
#include "transports/direct_tls/listener.hpp"

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>

#include "transports/streams/socket_stream.hpp"

namespace tubes::transports {

using boost::asio::ip::tcp;

namespace {

/// Out of descriptors: the connection stays in the kernel's queue and accepting at once would only spin.
constexpr std::chrono::milliseconds kPauseWhenExhausted{100};
constexpr int kBacklog = 16;

}  // namespace

struct Listener::Entrance {
    explicit Entrance(const boost::asio::any_io_executor& executor) : acceptor(executor), pause(executor) {}
    tcp::acceptor acceptor;
    boost::asio::steady_timer pause;
};

struct Listener::Shared : std::enable_shared_from_this<Shared> {
    boost::asio::any_io_executor executor;
    Accepted accepted;
    std::list<Entrance> entrances;
    std::size_t count = 0;

    void accept(Entrance& entrance) {
        entrance.acceptor.async_accept(
            [weak = weak_from_this(), &entrance](const error_code& error, tcp::socket socket) {
                const auto self = weak.lock();
                if (!self || !entrance.acceptor.is_open()) return;
                if (error) return self->pause(entrance);
                if (++self->count > kMaxAcceptedConnections) return self->close();
                self->accept(entrance);
                if (const auto notify = self->accepted) notify(std::move(socket));
            });
    }

    void pause(Entrance& entrance) {
        entrance.pause.expires_after(kPauseWhenExhausted);
        entrance.pause.async_wait([weak = weak_from_this(), &entrance](const error_code&) {
            const auto self = weak.lock();
            if (self && entrance.acceptor.is_open()) self->accept(entrance);
        });
    }

    void close() {
        error_code ignored;
        for (auto& entrance : entrances) {
            entrance.acceptor.close(ignored);
            entrance.pause.cancel();
        }
    }
};

Listener::Listener(boost::asio::any_io_executor executor, Accepted accepted) : shared_(std::make_shared<Shared>()) {
    shared_->executor = std::move(executor);
    shared_->accepted = std::move(accepted);
}

Listener::~Listener() {
    shared_->accepted = nullptr;
    shared_->close();
}

result<tcp::endpoint> Listener::listen(const boost::asio::ip::address& address) {
    Entrance entrance(shared_->executor);
    const tcp::endpoint wanted(address, 0);
    error_code error;
    entrance.acceptor.open(wanted.protocol(), error);
    if (!error && address.is_v6()) entrance.acceptor.set_option(boost::asio::ip::v6_only(true), error);
    if (!error) entrance.acceptor.bind(wanted, error);
    if (!error) entrance.acceptor.listen(kBacklog, error);
    if (error) return socket_error(error.value());
    const auto bound = entrance.acceptor.local_endpoint(error);
    if (error) return socket_error(error.value());
    shared_->entrances.push_back(std::move(entrance));
    shared_->accept(shared_->entrances.back());
    return bound;
}

}  // namespace tubes::transports
