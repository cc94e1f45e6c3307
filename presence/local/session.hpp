// SPDX-License-Identifier: GPL-3.0-or-later
// A session: the Unix connection between two nodes on one machine, from hello to close.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <string>

#include "presence/local/frame.hpp"

namespace tubes::presence::local {

/// Frames in order both ways. Lives on one loop; owned by shared_ptr because operations are in flight.
class Session : public std::enable_shared_from_this<Session> {
public:
    class Handler {
    public:
        /// The peer said who it is; frames follow.
        virtual void on_ready(Session& session) = 0;
        virtual void on_frame(Session& session, Frame frame) = 0;
        /// Over, once and last. Not after close().
        virtual void on_session_closed(Session& session) = 0;

    protected:
        ~Handler() = default;
    };

    using Socket = boost::asio::local::stream_protocol::socket;

    /// `socket` is connected. `handler` outlives the session or calls close() before it goes.
    Session(Socket socket, std::string own_name, Handler& handler);

    /// Checks the peer's credentials, says hello and begins to read.
    void start();
    /// Queues a frame; a peer that does not read 1 MiB of queue ends the session.
    void send(const Frame& frame);
    void close();

    /// Empty until on_ready.
    const std::string& peer_name() const { return peer_name_; }

private:
    void read();
    void on_bytes(std::size_t count);
    void dispatch(Frame frame);
    void write();
    void fail(std::string_view why);

    Socket socket_;
    boost::asio::steady_timer hello_deadline_;
    std::string own_name_;
    std::string peer_name_;
    Handler* handler_;
    base::Bytes input_;
    base::Bytes chunk_;
    base::Bytes output_;
    base::Bytes in_flight_;
    bool writing_ = false;
    bool closed_ = false;
};

}  // namespace tubes::presence::local
