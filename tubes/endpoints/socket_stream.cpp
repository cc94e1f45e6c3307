// SPDX-License-Identifier: GPL-3.0-or-later
// Reading, writing and closing a socket of a local program.
#include "tubes/endpoints/socket_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace tubes::endpoints {
namespace {

error_code last_error() {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return make_error_code(Errc::would_block);
    if (errno == ECONNRESET || errno == EPIPE) return make_error_code(Errc::connection_reset);
    return {errno, boost::system::system_category()};
}

class SocketStream final : public LocalStream {
public:
    explicit SocketStream(GenericSocket socket) : socket_(std::move(socket)) {
        const int on = 1;  // fails harmlessly on Unix sockets
        ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    ~SocketStream() override { close(); }

    void async_wait_readable(WaitHandler handler) override { wait(socket_.wait_read, std::move(handler)); }
    void async_wait_writable(WaitHandler handler) override { wait(socket_.wait_write, std::move(handler)); }

    result<std::size_t> read(base::MutableByteView into) override {
        const ssize_t count = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
        if (count > 0) return static_cast<std::size_t>(count);
        return count == 0 ? make_error_code(Errc::end_of_stream) : last_error();
    }

    result<std::size_t> write(base::ByteView data) override {
        const ssize_t count = ::send(socket_.native_handle(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) return static_cast<std::size_t>(count);
        return last_error();
    }

    std::optional<base::PeerCredentials> credentials() const override {
        const auto peer = base::peer_credentials(socket_.native_handle());
        return peer && peer->process != 0 ? peer : std::nullopt;  // TCP has a socket without a process
    }

    void shutdown_write() override { ::shutdown(socket_.native_handle(), SHUT_WR); }

    void reset() override {
        const linger abort{1, 0};  // TCP sends RST instead of FIN
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
        close();
    }

    void close() override {
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

private:
    void wait(GenericSocket::wait_type type, WaitHandler handler) {
        socket_.async_wait(type, [handler = std::move(handler)](error_code error) {
            if (error != boost::asio::error::operation_aborted) handler(error);
        });
    }

    mutable GenericSocket socket_;  // native_handle() is not const
};

}  // namespace

std::unique_ptr<LocalStream> make_socket_stream(GenericSocket socket) {
    return std::make_unique<SocketStream>(std::move(socket));
}

}  // namespace tubes::endpoints
