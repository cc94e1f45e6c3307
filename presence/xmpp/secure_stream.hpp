// SPDX-License-Identifier: GPL-3.0-or-later
// A TCP connection that may turn into TLS: reads as bytes arrive, writes in order, bounded.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "presence/xmpp/tls_session.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxUnsent = 8 * 1024 * 1024;  // bytes queued for a server that does not read

/// Lives on one loop; kept alive by its operations. The handler is called from the loop only, never inside a call.
class SecureStream : public std::enable_shared_from_this<SecureStream> {
public:
    class Handler {
    public:
        virtual void on_bytes(std::string_view bytes) = 0;
        /// TLS is established and the certificate accepted.
        virtual void on_secured() = 0;
        /// The connection is over; nothing follows. Errc::end_of_stream for an orderly end.
        virtual void on_closed(error_code reason, const std::string& detail) = 0;

    protected:
        ~Handler() = default;
    };

    explicit SecureStream(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

    /// Starts reading. The handler must outlive the stream or call close() first.
    void start(Handler& handler);
    /// Negotiates TLS from here on; on_secured() or on_closed() follows. Clear-text bytes that arrived behind the
    /// server's consent are dropped by the caller (command injection).
    void start_tls(const TlsOptions& options);
    /// Queues bytes. More than kMaxUnsent ends the connection with Errc::limit_exceeded.
    void send(std::string_view bytes);
    /// Ends it at once; no callback follows.
    void close();
    /// Sends what is queued, then ends.
    void finish();

    /// The machine no longer has the address that this connection uses: nothing can arrive on it.
    bool is_cut_off() const;
    bool is_secure() const noexcept { return tls_ && tls_->is_established(); }
    const TlsSession* tls() const noexcept { return tls_.get(); }
    boost::asio::any_io_executor executor() { return socket_.get_executor(); }

private:
    void read();
    void on_read(error_code error, std::size_t count);
    void receive_tls(std::string_view bytes);
    void queue(std::string bytes);
    void write();
    void fail_later(error_code reason, std::string detail);
    void fail(error_code reason, const std::string& detail);

    boost::asio::ip::tcp::socket socket_;
    Handler* handler_ = nullptr;
    std::unique_ptr<TlsSession> tls_;
    std::array<char, 16384> input_{};
    std::string unsent_;
    std::string writing_;
    bool finishing_ = false;
};

}  // namespace tubes::presence::xmpp
