// SPDX-License-Identifier: GPL-3.0-or-later
// One DTLS 1.2 session over a datagram path; itself a datagram path for SCTP.
// Spec: RFC 6347; RFC 8261 §4; RFC 7627 (extended master secret); RFC 5705 (exporter).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <string>

#include "transports/crypto/certificate.hpp"
#include "transports/datagram_path.hpp"
#include "transports/dtls/datagram_bio.hpp"

namespace tubes::transports {

/// ECDHE with AES-GCM, both ends with a certificate that is known by its SHA-256 fingerprint alone, no renegotiation,
/// no tickets, no cookie (ICE has proved the peer's address). The link's initiator is the DTLS client: it is the ICE
/// controlling side, which knows of a working pair first. Lives on one loop.
class DtlsSession final : public DatagramPath,
                          public std::enable_shared_from_this<DtlsSession>,
                          private DatagramPath::Handler {
public:
    /// Told while a datagram is handled or from a timer, never inside a call.
    class Events {
    public:
        virtual void on_dtls_open() = 0;
        /// Once, and nothing after it: end_of_stream (the peer closed), identity_mismatch (another certificate),
        /// protocol_violation, timed_out (the handshake took too long).
        virtual void on_dtls_closed(error_code reason) = 0;

    protected:
        ~Events() = default;
    };

    /// `lower` outlives the session or its close().
    static std::shared_ptr<DtlsSession> create(boost::asio::any_io_executor executor, DatagramPath& lower);
    ~DtlsSession() override;

    /// Begins the handshake with our `certificate`; the peer has to present `expected`. Once. Datagrams that came
    /// earlier are kept by the path below.
    void open(core::LinkRole role, const Certificate& certificate, const core::Digest& expected, Events& events);

    void set_handler(DatagramPath::Handler* handler) override;
    void send(ByteView datagram) override;
    void flush() override { lower_.flush(); }
    std::size_t mtu() const override;

    /// The exporter with the label of ports::MessagePath; all zero before on_dtls_open.
    const core::Digest& channel_binding() const noexcept { return channel_binding_; }
    /// "DTLS 1.2, ECDHE-ECDSA-AES128-GCM-SHA256"; empty before on_dtls_open.
    std::string description() const;

    /// Tells the peer (close_notify) and ends. No callback follows. Idempotent.
    void close();

private:
    enum class State : std::uint8_t { idle, handshaking, open, closed };

    DtlsSession(boost::asio::any_io_executor executor, DatagramPath& lower);
    void on_datagram(ByteView datagram) override;
    void make_ssl(core::LinkRole role, const Certificate& certificate);
    void handshake();
    void finish_handshake();
    void read();
    void deliver(ByteView datagram);
    void handle_error(int answer);
    void arm_timer();
    void on_timer();
    void finish(error_code reason);

    boost::asio::any_io_executor executor_;
    DatagramPath& lower_;
    Events* events_ = nullptr;
    DatagramPath::Handler* handler_ = nullptr;
    State state_ = State::idle;
    ExpectedPeer expected_;
    DatagramBioState bio_;
    SslContextPtr context_;
    SslPtr ssl_;
    core::Digest channel_binding_;
    core::Bytes buffer_;
    std::deque<core::Bytes> early_;
    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point deadline_;
};

}  // namespace tubes::transports
