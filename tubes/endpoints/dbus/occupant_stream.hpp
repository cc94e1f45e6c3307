// SPDX-License-Identifier: GPL-3.0-or-later
// The stream that carries messages between our bus and another occupant's.
// Spec: docs/protocol.md, "D-Bus tubes".
#pragma once

#include "tubes/core/link/stream.hpp"
#include "tubes/endpoints/dbus/message.hpp"
#include "tubes/endpoints/dbus/outbox.hpp"

namespace tubes::endpoints::dbus {

/// Lives on the stream's loop.
class OccupantStream final : public core::Stream::Handler, public std::enable_shared_from_this<OccupantStream> {
public:
    class Handler {
    public:
        /// protocol_violation, limit_exceeded: the stream ends with this.
        virtual error_code on_message(OccupantStream& occupant, Message message) = 0;
        /// The stream is over, or the occupant broke the rules. Once, last.
        virtual void on_gone(OccupantStream& occupant, Errc reason) = 0;
        virtual void on_turn_over() = 0;
        /// False: the occupant gets no new credit until resume().
        virtual bool may_consume() const = 0;

    protected:
        ~Handler() = default;
    };

    OccupantStream(std::string occupant, std::shared_ptr<core::Stream> stream, Handler& handler);
    ~OccupantStream() { close(Errc::cancelled); }
    OccupantStream(const OccupantStream&) = delete;
    OccupantStream& operator=(const OccupantStream&) = delete;

    const std::string& occupant() const { return occupant_; }
    core::TubeId tube() const { return tube_; }

    void send(const Message& message) { outbox_.push(message.marshal()); }
    bool is_full() const { return outbox_.is_full(); }
    std::size_t take_progress() { return outbox_.take_progress(); }
    void flush();
    void resume();
    /// Ends the stream; the handler is not told any more. Idempotent.
    void close(Errc reason);

    void on_data(base::ByteView data) override;
    void on_end() override;
    void on_writable() override { handler_->on_turn_over(); }
    void on_closed(error_code reason) override;

private:
    error_code take_messages();
    void gone(Errc reason);

    std::string occupant_;
    std::shared_ptr<core::Stream> stream_;  // null once over
    core::TubeId tube_;
    Handler* handler_;
    MessageReader reader_;
    Outbox outbox_;
    std::size_t owed_ = 0;  // credit that the occupant waits for
};

}  // namespace tubes::endpoints::dbus
