// SPDX-License-Identifier: GPL-3.0-or-later
// A byte stream over a connected TCP or Unix socket.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>

#include "transports/streams/byte_stream.hpp"

namespace tubes::transports {

/// What the kernel may hold unsent before a socket counts as full: about 1 ms at 1 Gbit/s, so that a keystroke does
/// not stand behind seconds of bulk (TCP_NOTSENT_LOWAT).
inline constexpr int kUnsentLowWater = 128 * 1024;

/// How long sent bytes may stay unacknowledged before TCP gives the connection up (RFC 5482).
inline constexpr std::chrono::milliseconds kTcpUserTimeout{20'000};

/// Reads and writes a connected stream socket without blocking. Closes it when destroyed.
class SocketStream final : public ByteStream {
public:
    using Socket = boost::asio::generic::stream_protocol::socket;

    /// Takes a connected socket over and makes it non-blocking. A failure shows at the first read or write.
    explicit SocketStream(Socket socket);
    ~SocketStream() override;

    void set_handler(Handler* handler) override;
    result<std::size_t> read_some(base::MutableByteView buffer) override;
    result<std::size_t> write_some(base::ByteView bytes) override;
    bool has_unsent() const override { return false; }
    void want_readable() override;
    void want_writable() override;
    void finish() override;
    void close() override;
    void add_metrics(core::ports::PathMetrics& metrics) const override;

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Sets what every TCP path wants: no delay, a low unsent mark, keep-alive and user timeout. Best effort.
void tune_tcp(boost::asio::ip::tcp::socket& socket);

/// "192.0.2.1:443" or "[2001:db8::1]:443".
std::string printed_endpoint(const boost::asio::ip::tcp::endpoint& endpoint);

/// The library's error for a socket's errno value; Errc::broken for what has no better name.
error_code socket_error(int error_number);

}  // namespace tubes::transports
