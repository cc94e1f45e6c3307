// SPDX-License-Identifier: GPL-3.0-or-later
// A netlink socket in the groups for addresses and routes.
#include "tubes/engine/address_monitor.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <vector>

#include "transports/addresses/address_rules.hpp"

namespace tubes::engine {
namespace {

using boost::asio::ip::address;

constexpr std::chrono::milliseconds kSettle{150};  // addresses and routes come one by one

int open_netlink() {
    const int descriptor = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (descriptor < 0) return -1;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return descriptor;
    ::close(descriptor);
    return -1;
}

/// The address that packets to the internet leave from; nothing is sent. Unspecified without a route.
address source_address(const char* towards) {
    boost::asio::io_context unused;
    boost::asio::ip::udp::socket socket(unused);
    boost::system::error_code error;
    const boost::asio::ip::udp::endpoint target(boost::asio::ip::make_address(towards), 9);
    socket.connect(target, error);
    const auto source = error ? boost::asio::ip::udp::endpoint() : socket.local_endpoint(error);
    return error ? address() : source.address();
}

/// What decides how links can be reached; compared with itself only.
std::vector<address> usable_addresses() {
    auto found = transports::local_addresses({});
    std::sort(found.begin(), found.end());
    found.push_back(source_address("192.0.2.1"));  // documentation addresses (RFC 5737, RFC 3849): never in use
    found.push_back(source_address("2001:db8::1"));
    return found;
}

}  // namespace

class AddressMonitor::Watch : public std::enable_shared_from_this<Watch> {
public:
    Watch(const boost::asio::any_io_executor& executor, int descriptor, std::function<void(bool)> happened)
        : socket_(executor, descriptor),
          settle_(executor),
          happened_(std::move(happened)),
          before_(usable_addresses()) {}

    void wait() {
        socket_.async_wait(boost::asio::posix::descriptor_base::wait_read, [weak = weak_from_this()](auto error) {
            if (auto self = weak.lock(); self && !error) self->on_readable();
        });
    }
    void close() {
        happened_ = nullptr;
        boost::system::error_code ignored;
        socket_.close(ignored);
        settle_.cancel();
    }

private:
    void on_readable() {
        // What changed does not matter, that something did does; an overflow (ENOBUFS) means so too.
        std::array<char, 8192> dropped;
        bool failed = false;
        for (;;) {
            if (::recv(socket_.native_handle(), dropped.data(), dropped.size(), 0) >= 0) continue;
            failed = errno != EAGAIN && errno != EINTR && errno != ENOBUFS;
            if (errno != EINTR && errno != ENOBUFS) break;
        }
        if (!waiting_) settle();
        if (!failed) wait();
    }
    void settle() {
        waiting_ = true;
        settle_.expires_after(kSettle);
        settle_.async_wait([weak = weak_from_this()](auto error) {
            auto self = weak.lock();
            if (!self) return;
            self->waiting_ = false;
            if (!error && self->happened_) self->report();
        });
    }

    void report() {
        auto now = usable_addresses();
        const bool changed = now != before_;
        before_ = std::move(now);
        happened_(changed);
    }

    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer settle_;
    std::function<void(bool)> happened_;
    std::vector<address> before_;
    bool waiting_ = false;
};

AddressMonitor::AddressMonitor(std::shared_ptr<Watch> watch) : watch_(std::move(watch)) {}

AddressMonitor::~AddressMonitor() {
    watch_->close();
}

std::unique_ptr<AddressMonitor> AddressMonitor::make(const boost::asio::any_io_executor& executor,
                                                     std::function<void(bool)> happened) {
    const int descriptor = open_netlink();
    if (descriptor < 0) return nullptr;
    auto watch = std::make_shared<Watch>(executor, descriptor, std::move(happened));
    watch->wait();
    return std::unique_ptr<AddressMonitor>(new AddressMonitor(std::move(watch)));
}

}  // namespace tubes::engine
