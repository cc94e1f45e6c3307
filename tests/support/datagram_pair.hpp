// SPDX-License-Identifier: GPL-3.0-or-later
// Two datagram paths joined in memory, with loss, delay and reordering from a seed: what tests put under DTLS and SCTP.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <random>

#include "transports/datagram_path.hpp"

namespace tubes::testing {

struct DatagramWeather {
    double loss = 0.0;                    ///< Share of datagrams that vanish.
    std::chrono::microseconds delay{0};   ///< One way.
    std::chrono::microseconds jitter{0};  ///< Up to this much more, per datagram: reorders.
    std::uint32_t seed = 1;
    std::size_t mtu = 1200;
};

/// One end. Each end may live on a loop of its own.
class MemoryDatagramPath final : public transports::DatagramPath,
                                 public std::enable_shared_from_this<MemoryDatagramPath> {
public:
    using Pair = std::pair<std::shared_ptr<MemoryDatagramPath>, std::shared_ptr<MemoryDatagramPath>>;
    static Pair make_pair(boost::asio::any_io_executor first, boost::asio::any_io_executor second,
                          const DatagramWeather& weather) {
        auto a = std::make_shared<MemoryDatagramPath>(std::move(first), weather);
        auto b = std::make_shared<MemoryDatagramPath>(std::move(second), weather);
        a->peer_ = b;
        b->peer_ = a;
        return {a, b};
    }

    MemoryDatagramPath(boost::asio::any_io_executor executor, const DatagramWeather& weather)
        : executor_(std::move(executor)), weather_(weather), random_(weather.seed) {}

    void set_handler(Handler* handler) override {
        handler_ = handler;
        if (handler == nullptr) return;
        boost::asio::post(executor_, [self = shared_from_this()] {
            for (auto early = std::exchange(self->early_, {}); !early.empty(); early.pop_front()) {
                self->deliver(early.front());
            }
        });
    }

    void send(core::ByteView datagram) override {
        ++sent_;
        std::bernoulli_distribution lost(weather_.loss);
        const auto peer = peer_.lock();
        if (cut_ || !peer || datagram.size() > weather_.mtu || lost(random_)) return;
        core::Bytes copy(datagram.begin(), datagram.end());
        if (damage_) copy[copy.size() / 2] ^= 1;
        peer->arrive(std::move(copy), delay());
    }
    void flush() override {}
    std::size_t mtu() const override { return weather_.mtu; }

    /// From now on nothing leaves this end.
    void cut() { cut_ = true; }
    /// From now on every datagram leaves with one bit changed.
    void damage() { damage_ = true; }
    std::size_t sent() const { return sent_; }

private:
    std::chrono::microseconds delay() {
        std::uniform_int_distribution<std::int64_t> extra(0, weather_.jitter.count());
        return weather_.delay + std::chrono::microseconds(extra(random_));
    }
    void arrive(core::Bytes datagram, std::chrono::microseconds delay) {
        if (delay.count() == 0) {
            boost::asio::post(executor_,
                              [self = shared_from_this(), datagram = std::move(datagram)] { self->deliver(datagram); });
            return;
        }
        auto timer = std::make_shared<boost::asio::steady_timer>(executor_, delay);
        timer->async_wait([self = shared_from_this(), timer, datagram = std::move(datagram)](error_code) {
            self->deliver(datagram);
        });
    }
    void deliver(const core::Bytes& datagram) {
        if (handler_ != nullptr) {
            handler_->on_datagram(datagram);
        } else if (early_.size() < 64) {
            early_.push_back(datagram);
        }
    }

    boost::asio::any_io_executor executor_;
    DatagramWeather weather_;
    std::mt19937 random_;
    std::weak_ptr<MemoryDatagramPath> peer_;
    Handler* handler_ = nullptr;
    std::deque<core::Bytes> early_;
    bool cut_ = false;
    bool damage_ = false;
    std::size_t sent_ = 0;
};

}  // namespace tubes::testing
