// SPDX-License-Identifier: GPL-3.0-or-later
// Socket watching for c-ares.
#include "presence/xmpp/ares_channel.hpp"

#include <sys/time.h>

#include <chrono>

namespace tubes::presence::xmpp {
namespace {

constexpr int kQueryTimeout = 2000;  // milliseconds until a DNS server is asked again or the next one is
constexpr int kQueryTries = 2;

}  // namespace

std::shared_ptr<AresChannel> AresChannel::make(boost::asio::any_io_executor executor, const std::string& servers) {
    auto channel = std::make_shared<AresChannel>(std::move(executor));
    if (!channel->open(servers)) return nullptr;
    return channel;
}

AresChannel::AresChannel(boost::asio::any_io_executor executor) : executor_(executor), timer_(executor) {}

AresChannel::~AresChannel() {
    stop();
}

bool AresChannel::open(const std::string& servers) {
    static const int library = ares_library_init(ARES_LIB_INIT_ALL);  // once for the process, as c-ares demands
    if (library != ARES_SUCCESS) return false;
    ares_options options{};
    options.timeout = kQueryTimeout;
    options.tries = kQueryTries;
    options.sock_state_cb_data = this;
    options.sock_state_cb = [](void* self, ares_socket_t descriptor, int readable, int writable) {
        static_cast<AresChannel*>(self)->on_socket(descriptor, readable != 0, writable != 0);
    };
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) {
        channel_ = nullptr;
        return false;
    }
    return servers.empty() || ares_set_servers_ports_csv(channel_, servers.c_str()) == ARES_SUCCESS;
}

void AresChannel::stop() {
    if (stopped_) return;
    stopped_ = true;
    timer_.cancel();
    if (channel_) ares_destroy(channel_);  // calls every pending query's callback with ARES_EDESTRUCTION
    channel_ = nullptr;
    for (auto& [descriptor, watch] : watches_) watch->descriptor.release();
    watches_.clear();
}

void AresChannel::query(const std::string& name, int type, QueryCallback callback) {
    if (stopped_) return;
    auto owned = std::make_unique<QueryCallback>(std::move(callback));
    ares_query(
        channel_, name.c_str(), 1 /* IN */, type,
        [](void* argument, int status, int, unsigned char* answer, int length) {
            const std::unique_ptr<QueryCallback> call(static_cast<QueryCallback*>(argument));
            if (status != ARES_EDESTRUCTION && status != ARES_ECANCELLED) (*call)(status, answer, length);
        },
        owned.release());
    arm_timer();
}

void AresChannel::find_addresses(const std::string& host, AddressCallback callback) {
    if (stopped_) return;
    auto owned = std::make_unique<AddressCallback>(std::move(callback));
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(
        channel_, host.c_str(), nullptr, &hints,
        [](void* argument, int status, int, ares_addrinfo* addresses) {
            const std::unique_ptr<AddressCallback> call(static_cast<AddressCallback*>(argument));
            if (status != ARES_EDESTRUCTION && status != ARES_ECANCELLED) (*call)(status, addresses);
            if (addresses) ares_freeaddrinfo(addresses);
        },
        owned.release());
    arm_timer();
}

void AresChannel::on_socket(int descriptor, bool readable, bool writable) {
    auto& watch = watches_[descriptor];
    if (!readable && !writable) {
        if (watch) watch->descriptor.release();  // c-ares closes it
        watches_.erase(descriptor);
        return;
    }
    if (!watch) {
        boost::asio::posix::stream_descriptor wrapped(executor_);
        error_code error;
        wrapped.assign(descriptor, error);
        if (error) return;  // the query's own timeout reports it
        watch = std::make_shared<Watch>(std::move(wrapped));
    }
    watch->wants_read = readable;
    watch->wants_write = writable;
    arm(descriptor, watch);
}

void AresChannel::arm(int descriptor, const std::shared_ptr<Watch>& watch) {
    if (watch->wants_read && !watch->reading) wait(descriptor, watch, true);
    if (watch->wants_write && !watch->writing) wait(descriptor, watch, false);
}

void AresChannel::wait(int descriptor, const std::shared_ptr<Watch>& watch, bool for_read) {
    using boost::asio::posix::stream_descriptor;
    (for_read ? watch->reading : watch->writing) = true;
    const auto kind = for_read ? stream_descriptor::wait_read : stream_descriptor::wait_write;
    watch->descriptor.async_wait(kind, [weak = weak_from_this(), descriptor, watch, for_read](error_code error) {
        (for_read ? watch->reading : watch->writing) = false;
        const auto self = weak.lock();
        const auto is_watched = [&] {
            const auto found = self->watches_.find(descriptor);
            return found != self->watches_.end() && found->second == watch;
        };
        if (!self || self->stopped_ || error || !is_watched()) return;
        const ares_socket_t none = ARES_SOCKET_BAD;
        ares_process_fd(self->channel_, for_read ? descriptor : none, for_read ? none : descriptor);
        if (self->stopped_) return;
        if (is_watched()) self->arm(descriptor, watch);
        self->arm_timer();
    });
}

void AresChannel::arm_timer() {
    timeval limit{kQueryTimeout / 1000, 0};
    timeval left{};
    if (stopped_ || ares_timeout(channel_, nullptr, &left) == nullptr) return;  // nothing pending
    ares_timeout(channel_, &limit, &left);
    timer_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) +
                         std::chrono::milliseconds(1));
    timer_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (!self || self->stopped_ || error) return;
        ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        self->arm_timer();
    });
}

}  // namespace tubes::presence::xmpp
