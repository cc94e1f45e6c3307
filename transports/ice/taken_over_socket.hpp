// SPDX-License-Identifier: GPL-3.0-or-later
// The UDP socket of a selected pair after libnice let it go: batches of datagrams, and consent.
// Spec: RFC 7675 §5.1; RFC 7983 §7 (STUN beside DTLS).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <random>

#include "transports/ice/stun_consent.hpp"
#include "transports/ice/udp_batch.hpp"

namespace tubes::transports {

/// A socket that UdpBatch::prepare() was true for, and whom it talks to.
struct TakenPair {
    int socket = -1;  ///< Owned by whoever holds the value.
    sockaddr_storage peer{};
    socklen_t peer_size = 0;
    bool controlling = false;
};

/// The rhythm of consent; each time between 0.8 and 1.2 of it.
struct ConsentTimes {
    /// RFC 7675 §5.1: 5 s. Mappings of NATs live on it: never longer.
    std::chrono::milliseconds interval{5000};
    /// To the next request while none was answered, so that one lost datagram is no lost path.
    std::chrono::milliseconds unanswered{1000};
    /// How long the peer's last answer allows sending. RFC 7675 allows 30 s; libnice, on the other side, gives us 10.
    std::chrono::milliseconds lifetime{10000};
};

/// Lives on one loop, and as long as somebody holds it or until close().
class TakenOverSocket final : public std::enable_shared_from_this<TakenOverSocket> {
public:
    /// Told from the loop, never inside a call.
    class Events {
    public:
        virtual void on_taken_datagram(core::ByteView datagram) = 0;
        /// What could be read at once has been told.
        virtual void on_taken_turn_over() = 0;
        /// The peer has not answered for the lifetime of consent; nothing is sent or told after it.
        virtual void on_taken_consent_lost() = 0;

    protected:
        ~Events() = default;
    };

    TakenOverSocket(boost::asio::any_io_executor executor, const TakenPair& pair, const IceCredentials& local,
                    const IceCredentials& remote, Events& events, ConsentTimes times = {});
    ~TakenOverSocket();

    /// Begins reading and asks for consent at once. Once.
    void start();
    UdpBatch::Sent send(core::ByteView bytes, std::span<const std::uint32_t> sizes);
    /// No event follows. Idempotent.
    void close();

private:
    using Clock = std::chrono::steady_clock;

    void wait();
    void read_turn();
    void take(core::ByteView datagram);
    void ask();
    void ask_after(std::chrono::milliseconds delay);

    Events* events_;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer timer_;
    UdpBatch batch_;
    StunConsent consent_;
    TakenPair pair_;
    ConsentTimes times_;
    Clock::time_point allowed_at_;
    std::minstd_rand jitter_;
};

}  // namespace tubes::transports
