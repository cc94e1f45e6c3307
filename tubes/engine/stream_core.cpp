// SPDX-License-Identifier: GPL-3.0-or-later
// Reads, writes and their ends.
#include "tubes/engine/stream_core.hpp"

#include <boost/asio/error.hpp>
#include <cstring>

namespace tubes::engine {
namespace {

// Chunks of small messages are joined up to this, so that a byte-wise writer costs no allocation a byte.
constexpr std::size_t kChunk = 16 * 1024;  // bytes

base::ByteView bytes_of(const boost::asio::const_buffer& buffer) {
    return {static_cast<const std::uint8_t*>(buffer.data()), buffer.size()};
}

}  // namespace

std::shared_ptr<StreamCore> StreamCore::make(std::shared_ptr<Loop> loop, std::shared_ptr<core::Stream> stream) {
    auto made = std::make_shared<StreamCore>(std::move(loop), std::move(stream));
    made->stream_->set_handler(made.get());
    return made;
}

template <class Task>
void StreamCore::on_loop(Task task) {
    loop_->dispatch([self = shared_from_this(), task = std::move(task)]() mutable { task(*self); });
}

void StreamCore::read(std::vector<boost::asio::mutable_buffer> buffers, error_code eof,
                      detail::TransferHandler handler) {
    auto done = Completion<std::size_t>::make(loop_, std::move(handler));
    auto begin = [self = shared_from_this(), buffers = std::move(buffers), eof, done]() mutable {
        self->begin_read(std::move(buffers), eof, std::move(done));
    };
    if (const auto refused = loop_->dispatch(std::move(begin))) done->fail(*refused);
}

void StreamCore::write(std::vector<boost::asio::const_buffer> buffers, detail::TransferHandler handler) {
    auto done = Completion<std::size_t>::make(loop_, std::move(handler));
    auto begin = [self = shared_from_this(), buffers = std::move(buffers), done]() mutable {
        self->begin_write(std::move(buffers), std::move(done));
    };
    if (const auto refused = loop_->dispatch(std::move(begin))) done->fail(*refused);
}

void StreamCore::begin_read(std::vector<boost::asio::mutable_buffer> buffers, error_code eof, Transfer done) {
    if (read_.done && !read_.done->is_done()) return done->fail(Errc::invalid_argument);
    if (buffers.empty()) return done->succeed(0);
    // A cancelled read that had taken bytes is finishing with them: see on_cancel below.
    done->on_cancel([weak = weak_from_this()] {
        auto self = weak.lock();
        if (self && self->read_.filled > 0) self->read_.done->succeed(self->read_.filled);
    });
    read_ = Read{std::move(buffers), eof, std::move(done)};
    drain_backlog();
    if (read_.filled > 0) return finish_read_soon();
    if (const auto error = read_error()) read_.done->fail(error);
}

void StreamCore::begin_write(std::vector<boost::asio::const_buffer> buffers, Transfer done) {
    if (write_.done && !write_.done->is_done()) return done->fail(Errc::invalid_argument);
    write_ = Write{std::move(buffers), std::move(done)};
    try_write();
}

// Window goes back as soon as the application has the bytes.
std::size_t StreamCore::copy_to_reader(base::ByteView data) {
    std::size_t copied = 0;
    while (copied < data.size() && !read_.buffers.empty()) {
        auto& room = read_.buffers.front();
        const auto count = std::min(room.size(), data.size() - copied);
        std::memcpy(room.data(), data.data() + copied, count);
        copied += count;
        room += count;
        if (room.size() == 0) read_.buffers.erase(read_.buffers.begin());
    }
    read_.filled += copied;
    if (copied > 0 && stream_) stream_->consumed(copied);
    return copied;
}

void StreamCore::drain_backlog() {
    while (!backlog_.empty() && !read_.buffers.empty()) {
        const auto rest = base::ByteView(backlog_.front()).subspan(backlog_offset_);
        const auto copied = copy_to_reader(rest);
        backlog_offset_ += copied;
        if (copied < rest.size()) return;
        backlog_.pop_front();
        backlog_offset_ = 0;
    }
}

// One turn later, so that one read takes all messages that arrived together.
void StreamCore::finish_read_soon() {
    if (read_.is_finishing) return;
    read_.is_finishing = true;
    auto finish = [self = shared_from_this(), done = read_.done] {
        if (done->is_done() || self->read_.done != done) return;
        self->read_.buffers.clear();
        done->succeed(self->read_.filled);
    };
    loop_->post(std::move(finish));
}

error_code StreamCore::read_error() const {
    if (!backlog_.empty()) return {};
    if (over_ && reason_) return reason_;
    if (over_ || peer_ended_) return read_.eof;
    return {};
}

void StreamCore::on_data(base::ByteView data) {
    const bool is_reading = read_.done && !read_.done->is_done();
    if (is_reading && backlog_.empty()) {
        data = data.subspan(copy_to_reader(data));
        if (read_.filled > 0) finish_read_soon();
    }
    if (data.empty()) return;
    if (!backlog_.empty() && backlog_.back().size() + data.size() <= kChunk) {
        backlog_.back().insert(backlog_.back().end(), data.begin(), data.end());
    } else {
        backlog_.emplace_back(data.begin(), data.end());
    }
}

void StreamCore::on_end() {
    peer_ended_ = true;
    if (read_.done && !read_.is_finishing) {
        if (const auto error = read_error()) read_.done->fail(error);
    }
}

void StreamCore::try_write() {
    if (!write_.done || write_.done->is_done()) return;
    if (over_) return write_.done->fail(reason_ ? reason_ : error_code(boost::asio::error::broken_pipe));
    if (sent_end_) return write_.done->fail(boost::asio::error::broken_pipe);
    std::size_t total = 0;
    for (const auto& buffer : write_.buffers) {
        const auto taken = stream_->write(bytes_of(buffer));
        total += taken;
        if (taken < buffer.size()) break;
    }
    if (total > 0 || write_.buffers.empty()) write_.done->succeed(total);
}

void StreamCore::on_writable() {
    try_write();
}

void StreamCore::on_closed(error_code reason) {
    over_ = true;
    reason_ = reason;
    stream_->set_handler(nullptr);
    stream_.reset();
    if (read_.done && !read_.is_finishing) {
        if (const auto error = read_error()) read_.done->fail(error);
    }
    try_write();
}

void StreamCore::shutdown_send() {
    on_loop([](StreamCore& self) {
        if (self.sent_end_ || !self.stream_) return;
        self.sent_end_ = true;
        self.stream_->finish();
    });
}

void StreamCore::cancel() {
    on_loop([](StreamCore& self) { self.cancel_operations(Errc::cancelled); });
}

void StreamCore::cancel_operations(error_code reason) {
    if (read_.done) {
        // Bytes that are in the caller's buffers belong to the caller.
        if (read_.filled > 0) {
            read_.done->succeed(read_.filled);
        } else {
            read_.done->fail(reason);
        }
    }
    if (write_.done) write_.done->fail(reason);
}

void StreamCore::close() {
    on_loop([](StreamCore& self) { self.release(Errc::connection_reset); });
}

void StreamCore::release(Errc reason) {
    cancel_operations(Errc::cancelled);
    if (stream_) {
        stream_->set_handler(nullptr);
        // Both directions have ended: what is left to send may still leave.
        const bool both_ended = sent_end_ && peer_ended_ && backlog_.empty();
        if (!both_ended) stream_->reset(reason);
        stream_.reset();
    }
    over_ = true;
    if (!reason_) reason_ = Errc::cancelled;
    backlog_.clear();
}

void StreamCore::abandon() {
    release(Errc::broken);
}

}  // namespace tubes::engine
