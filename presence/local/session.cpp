// SPDX-License-Identifier: GPL-3.0-or-later
// Reading, writing and ending a session.
#include "presence/local/session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "tubes/base/log.hpp"
#include "tubes/base/peer_credentials.hpp"

namespace tubes::presence::local {
namespace {

constexpr std::size_t kReadChunk = 16 * 1024;      // bytes a read
constexpr std::size_t kMaxQueue = 1024 * 1024;     // bytes waiting for a peer that does not read
constexpr std::chrono::seconds kHelloDeadline{5};  // from connect to hello

}  // namespace

Session::Session(Socket socket, std::string own_name, Handler& handler)
    : socket_(std::move(socket)),
      hello_deadline_(socket_.get_executor()),
      own_name_(std::move(own_name)),
      handler_(&handler),
      chunk_(kReadChunk) {}

void Session::start() {
    const auto peer = base::peer_credentials(socket_.native_handle());
    if (!peer || !peer->is_same_user()) {
        boost::asio::post(socket_.get_executor(), [weak = weak_from_this()] {
            if (auto self = weak.lock()) self->fail("the peer is another user");
        });
        return;
    }
    hello_deadline_.expires_after(kHelloDeadline);
    hello_deadline_.async_wait([weak = weak_from_this()](error_code error) {
        auto self = weak.lock();
        if (self && !error) self->fail("no hello in time");
    });
    send({FrameType::hello, 0, make_hello(own_name_)});
    read();
}

void Session::send(const Frame& frame) {
    if (closed_) return;
    const auto bytes = encode(frame);
    if (output_.size() + bytes.size() > kMaxQueue) {
        boost::asio::post(socket_.get_executor(), [weak = weak_from_this()] {
            if (auto self = weak.lock()) self->fail("the peer does not read");
        });
        return;
    }
    output_.insert(output_.end(), bytes.begin(), bytes.end());
    if (!writing_) write();
}

void Session::close() {
    if (closed_) return;
    closed_ = true;
    hello_deadline_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void Session::read() {
    socket_.async_read_some(boost::asio::buffer(chunk_), [self = shared_from_this()](error_code error, std::size_t n) {
        if (self->closed_) return;
        if (error) return self->fail(error == boost::asio::error::eof ? "" : error.message());
        self->on_bytes(n);
    });
}

void Session::on_bytes(std::size_t count) {
    input_.insert(input_.end(), chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(count));
    while (!closed_) {
        auto frame = take_frame(input_);
        if (!frame) return fail("malformed frame");
        if (!*frame) break;
        dispatch(std::move(**frame));
    }
    if (!closed_) read();
}

void Session::dispatch(Frame frame) {
    if (!peer_name_.empty()) return handler_->on_frame(*this, std::move(frame));
    auto name = frame.type == FrameType::hello ? parse_hello(frame.payload)
                                               : result<std::string>(make_error_code(Errc::protocol_violation));
    if (!name) return fail("malformed hello");
    hello_deadline_.cancel();
    peer_name_ = std::move(*name);
    handler_->on_ready(*this);
}

void Session::write() {
    writing_ = true;
    in_flight_.swap(output_);
    output_.clear();
    boost::asio::async_write(socket_, boost::asio::buffer(in_flight_),
                             [self = shared_from_this()](error_code error, std::size_t) {
                                 self->writing_ = false;
                                 if (self->closed_) return;
                                 // A failed write means a dead peer; what it sent before is still to be read.
                                 if (!error && !self->output_.empty()) self->write();
                             });
}

void Session::fail(std::string_view why) {
    if (closed_) return;
    if (!why.empty()) base::logger("local")->info("session with {} ended: {}", peer_name_, why);
    close();
    handler_->on_session_closed(*this);
}

}  // namespace tubes::presence::local
