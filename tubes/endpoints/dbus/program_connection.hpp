// SPDX-License-Identifier: GPL-3.0-or-later
// A local program's connection to the bus of a tube: handshake, then messages both ways.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "tubes/endpoints/dbus/message.hpp"
#include "tubes/endpoints/dbus/outbox.hpp"
#include "tubes/endpoints/dbus/sasl_server.hpp"
#include "tubes/endpoints/local_stream.hpp"

namespace tubes::endpoints::dbus {

/// Lives on the loop of its socket. Its handler is told from the loop only, never inside a call.
class ProgramConnection final : public std::enable_shared_from_this<ProgramConnection> {
public:
    static constexpr std::chrono::seconds kHandshakeLimit{10};
    /// Messages wait for a program's first word: until the answer to Hello, a program that knows buses takes nothing
    /// else. One that has said nothing for this long is taken for one that knows none.
    static constexpr std::chrono::milliseconds kFirstWord{250};

    class Handler {
    public:
        /// The handshake is over. False: the bus is full, and the connection is closed.
        virtual bool on_entered(ProgramConnection& program) = 0;
        virtual void on_message(ProgramConnection& program, Message message) = 0;
        virtual void on_oversized(ProgramConnection& program, const OversizedMessage& message) = 0;
        /// Its socket has ended, or it broke the rules. Once, last.
        virtual void on_gone(ProgramConnection& program) = 0;
        /// What was read, or written, has been dealt with: time to write what came of it.
        virtual void on_turn_over() = 0;
        /// False: reads nothing more until resume().
        virtual bool may_read() const = 0;

    protected:
        ~Handler() = default;
    };

    ProgramConnection(const boost::asio::any_io_executor& executor, std::unique_ptr<LocalStream> socket,
                      SaslPolicy policy, Handler& handler);
    void start();

    std::uint32_t number() const { return number_; }
    void set_number(std::uint32_t number) { number_ = number; }
    base::PeerCredentials credentials() const { return socket_->credentials().value_or(base::PeerCredentials()); }

    void send(const Message& message) { (waits_for_word_ ? held_ : outbox_).push(message.marshal()); }
    bool is_full() const { return outbox_.is_full() || held_.is_full(); }
    std::size_t take_progress() { return outbox_.take_progress(); }
    /// Writes what the socket takes; false once it is broken.
    bool flush();
    void resume();
    /// Closes after what can be written without waiting. The handler is not told any more. Idempotent.
    void close();

private:
    void wait_readable();
    void read();
    /// False when reading is over.
    bool take(base::ByteView data);
    bool shake_hands(base::ByteView& data);
    bool take_messages();
    void wait_for_word();
    void release_held();
    void wait_writable();
    void gone();

    std::unique_ptr<LocalStream> socket_;
    SaslServer sasl_;
    Handler* handler_;  // null once closed
    boost::asio::steady_timer timer_;
    MessageReader reader_{kMaxProgramMessage};
    std::string greeting_;  // of the handshake, not yet written
    Outbox outbox_;
    Outbox held_;
    std::uint32_t number_ = 0;
    bool waits_for_word_ = true;
    bool waits_writable_ = false;
    bool is_paused_ = false;
};

}  // namespace tubes::endpoints::dbus
