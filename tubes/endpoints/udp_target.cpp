// SPDX-License-Identifier: GPL-3.0-or-later
// One flow and its connected socket.
#include <boost/asio/steady_timer.hpp>

#include "tubes/endpoints/udp.hpp"
#include "tubes/endpoints/udp_socket.hpp"

namespace tubes::endpoints {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

error_code as_tubes_error(const error_code& error) {
    if (error == asio::error::connection_refused) return make_error_code(Errc::connection_refused);
    if (error == asio::error::host_not_found || error == asio::error::host_not_found_try_again) {
        return make_error_code(Errc::not_found);
    }
    if (error == asio::error::network_unreachable || error == asio::error::host_unreachable) {
        return make_error_code(Errc::network_unreachable);
    }
    return error;
}

class Target final : public Joint, public core::Stream::Handler, public std::enable_shared_from_this<Target> {
public:
    Target(const asio::any_io_executor& executor, std::shared_ptr<core::Stream> flow, UdpEvents events,
           const UdpLimits& limits)
        : flow_(std::move(flow)),
          events_(std::move(events)),
          idle_(2 * limits.idle),  // the side of the programs ends its flows first
          resolver_(executor),
          socket_(executor),
          timer_(executor),
          buffer_(kLargestUdp) {}

    void start(const Endpoint& target) {
        self_ = shared_from_this();
        used_ = Clock::now();
        arm_timer();
        boost::system::error_code error;
        const auto address = asio::ip::make_address(target.host, error);
        if (!error) return connect({address, target.port});
        // What comes meanwhile waits in the flow, within its bounds.
        resolver_.async_resolve(target.host, std::to_string(target.port), udp::resolver::numeric_service,
                                [weak = weak_from_this()](error_code failed, const udp::resolver::results_type& found) {
                                    const auto self = weak.lock();
                                    if (!self || !self->self_) return;
                                    if (!failed && !found.empty()) return self->connect(found.begin()->endpoint());
                                    self->fail(failed);
                                });
    }

    void abort(Errc reason) override { end(reason); }
    void on_data(base::ByteView data) override { flow_->consumed(data.size()); }
    void on_end() override { end(Errc::cancelled); }
    void on_writable() override {}
    void on_closed(error_code) override { end(Errc::cancelled); }

    void on_datagram(base::ByteView datagram) override {
        used_ = Clock::now();
        // An error may be news of an earlier datagram (ICMP): this one has not been sent then.
        for (int attempt = 0; attempt < 2; ++attempt) {
            boost::system::error_code error;
            socket_.send(asio::buffer(datagram.data(), datagram.size()), 0, error);
            if (!error || error == asio::error::would_block) return;
            complain(error);
        }
    }

private:
    void connect(const udp::endpoint& address) {
        boost::system::error_code error = open_udp(socket_, address);
        if (!error) socket_.connect(address, error);
        if (error) return fail(error);
        flow_->set_handler(this);
        wait_readable();
    }

    void wait_readable() {
        socket_.async_wait(udp::socket::wait_read, [weak = weak_from_this()](error_code error) {
            const auto self = weak.lock();
            if (!error && self && self->self_) self->read();
        });
    }

    void read() {
        for (std::size_t count = 0; count < kDatagramsPerTurn; ++count) {
            boost::system::error_code error;
            const auto size = socket_.receive(asio::buffer(buffer_), 0, error);
            if (error == asio::error::would_block) break;
            if (error) {
                complain(error);
                continue;
            }
            used_ = Clock::now();
            is_unreachable_ = false;
            take(base::ByteView(buffer_).first(size));
        }
        wait_readable();
    }

    void take(base::ByteView datagram) {
        const auto sent = flow_->send_datagram(datagram);
        if (sent || sent.error() != Errc::message_too_large || std::exchange(is_too_large_, true)) return;
        events_.on_too_large(datagram.size(), flow_->largest_datagram());
    }

    void complain(const error_code& error) {
        if (!std::exchange(is_unreachable_, true)) events_.on_unreachable(as_tubes_error(error));
    }

    void fail(const error_code& error) {
        complain(error);
        end(Errc::connection_refused);
    }

    void arm_timer() {
        timer_.expires_at(used_ + idle_);
        timer_.async_wait([weak = weak_from_this()](error_code error) {
            const auto self = weak.lock();
            if (error || !self || !self->self_) return;
            if (Clock::now() - self->used_ >= self->idle_) return self->end(Errc::timed_out);
            self->arm_timer();
        });
    }

    void end(Errc reason) {
        if (!self_) return;
        const auto keep = std::exchange(self_, nullptr);
        boost::system::error_code ignored;
        socket_.close(ignored);
        resolver_.cancel();
        timer_.cancel();
        flow_->set_handler(nullptr);
        flow_->reset(reason);
    }

    std::shared_ptr<core::Stream> flow_;
    UdpEvents events_;
    Clock::duration idle_;
    udp::resolver resolver_;
    udp::socket socket_;
    asio::steady_timer timer_;
    base::Bytes buffer_;
    Clock::time_point used_;
    std::shared_ptr<Target> self_;  // until it has ended
    bool is_unreachable_ = false;
    bool is_too_large_ = false;
};

}  // namespace

std::shared_ptr<Joint> join_udp(const asio::any_io_executor& executor, const Endpoint& target,
                                std::shared_ptr<core::Stream> stream, UdpEvents events, const UdpLimits& limits) {
    auto joined = std::make_shared<Target>(executor, std::move(stream), std::move(events), limits);
    joined->start(target);
    return joined;
}

}  // namespace tubes::endpoints
