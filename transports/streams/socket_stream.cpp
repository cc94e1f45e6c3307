// SPDX-License-Identifier: GPL-3.0-or-later
// Non-blocking socket reads and writes, and waiting for them on the loop.
#include "transports/streams/socket_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace tubes::transports {

namespace {

/// Keep-alive probes find a silent death of an idle connection in about 30 s.
constexpr int kKeepAliveIdleSeconds = 15;
constexpr int kKeepAliveIntervalSeconds = 5;
constexpr int kKeepAliveProbes = 3;

void set_option(int socket, int level, int name, int value) {
    ::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

struct SocketStream::State : std::enable_shared_from_this<State> {
    explicit State(Socket connected) : socket(std::move(connected)) {}

    Socket socket;
    Handler* handler = nullptr;
    bool waiting_to_read = false;
    bool waiting_to_write = false;
    /// A short read emptied the kernel's buffer: asking again before the next event would cost a call for nothing.
    bool drained = false;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;

    bool is_open() const { return socket.is_open(); }

    void wait(Socket::wait_type event, bool& waiting, void (Handler::*notice)()) {
        if (waiting || !is_open()) return;
        waiting = true;
        socket.async_wait(event, [weak = weak_from_this(), &waiting, notice](const error_code& error) {
            const auto self = weak.lock();
            if (!self || !self->is_open() || error == boost::asio::error::operation_aborted) return;
            waiting = false;
            if (notice == &Handler::on_readable) self->drained = false;
            if (self->handler) (self->handler->*notice)();
        });
    }
};

SocketStream::SocketStream(Socket socket) : state_(std::make_shared<State>(std::move(socket))) {
    error_code ignored;
    state_->socket.native_non_blocking(true, ignored);
}

SocketStream::~SocketStream() {
    close();
}

void SocketStream::set_handler(Handler* handler) {
    state_->handler = handler;
}

result<std::size_t> SocketStream::read_some(base::MutableByteView buffer) {
    if (!state_->is_open()) return make_error_code(Errc::broken);
    if (state_->drained) return make_error_code(Errc::would_block);
    for (;;) {
        const auto count = ::recv(state_->socket.native_handle(), buffer.data(), buffer.size(), 0);
        if (count > 0) {
            state_->bytes_received += static_cast<std::uint64_t>(count);
            state_->drained = static_cast<std::size_t>(count) < buffer.size();
            return static_cast<std::size_t>(count);
        }
        if (count == 0) return make_error_code(Errc::end_of_stream);
        if (errno != EINTR) return socket_error(errno);
    }
}

result<std::size_t> SocketStream::write_some(base::ByteView bytes) {
    if (!state_->is_open()) return make_error_code(Errc::broken);
    for (;;) {
        const auto count = ::send(state_->socket.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count >= 0) {
            state_->bytes_sent += static_cast<std::uint64_t>(count);
            return static_cast<std::size_t>(count);
        }
        if (errno != EINTR) return socket_error(errno);
    }
}

void SocketStream::want_readable() {
    state_->wait(Socket::wait_read, state_->waiting_to_read, &Handler::on_readable);
}

void SocketStream::want_writable() {
    state_->wait(Socket::wait_write, state_->waiting_to_write, &Handler::on_writable);
}

void SocketStream::finish() {
    error_code ignored;
    state_->socket.shutdown(Socket::shutdown_send, ignored);
}

void SocketStream::close() {
    state_->handler = nullptr;
    error_code ignored;
    state_->socket.close(ignored);
}

void SocketStream::add_metrics(core::ports::PathMetrics& metrics) const {
    metrics.bytes_sent += state_->bytes_sent;
    metrics.bytes_received += state_->bytes_received;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (!state_->is_open() || ::getsockopt(state_->socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return;
    }
    metrics.rtt = std::chrono::microseconds(info.tcpi_rtt);
    metrics.retransmissions = info.tcpi_total_retrans;
}

void tune_tcp(boost::asio::ip::tcp::socket& socket) {
    const int handle = socket.native_handle();
    set_option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(handle, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentLowWater);
    set_option(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kTcpUserTimeout.count()));
    set_option(handle, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(handle, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
    set_option(handle, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
    set_option(handle, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

std::string printed_endpoint(const boost::asio::ip::tcp::endpoint& endpoint) {
    const auto address = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                      : fmt::format("{}:{}", address, endpoint.port());
}

error_code socket_error(int error_number) {
    switch (error_number) {
        case EAGAIN: return Errc::would_block;
        case ETIMEDOUT: return Errc::timed_out;
        case ECONNREFUSED: return Errc::refused;
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN: return Errc::network_unreachable;
        default: return Errc::broken;
    }
}

}  // namespace tubes::transports
