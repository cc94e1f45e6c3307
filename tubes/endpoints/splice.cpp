// SPDX-License-Identifier: GPL-3.0-or-later
// The two directions of a splice.
#include "tubes/endpoints/splice.hpp"

#include <algorithm>
#include <array>

namespace tubes::endpoints {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;      // bytes a read; on the stack, so that idle splices own no buffer
constexpr std::size_t kReadsPerTurn = 4;          // then other connections get their turn
constexpr std::size_t kKeepCapacity = 64 * 1024;  // bytes of buffer kept when it has drained

Errc code_of(const error_code& error) {
    return error.category() == tubes_category() ? static_cast<Errc>(error.value()) : Errc::connection_reset;
}

}  // namespace

Splice::Splice(std::shared_ptr<core::Stream> stream, std::unique_ptr<LocalStream> local, Done done)
    : stream_(std::move(stream)), local_(std::move(local)), done_(std::move(done)) {}

std::shared_ptr<Splice> Splice::start(std::shared_ptr<core::Stream> stream, std::unique_ptr<LocalStream> local,
                                      Done done) {
    std::shared_ptr<Splice> splice(new Splice(std::move(stream), std::move(local), std::move(done)));
    splice->self_ = splice;
    splice->stream_->set_handler(splice.get());
    splice->wait_readable();
    return splice;
}

void Splice::abort(Errc reason) {
    if (!self_) return;
    done_ = nullptr;
    const auto stream = stream_;
    local_->reset();  // closed in order, it would look to the program like the end of the data
    finish(make_error_code(reason));
    stream->reset(reason);
}

void Splice::wait_readable() {
    local_->async_wait_readable([weak = weak_from_this()](error_code error) {
        auto self = weak.lock();
        if (!self || !self->self_) return;
        if (error) return self->local_failed(error);
        self->read_local();
    });
}

// Never more than the stream takes: what waits for it waits in the program's socket, where back-pressure belongs.
void Splice::read_local() {
    std::array<std::uint8_t, kReadSize> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    for (std::size_t turn = 0; turn < kReadsPerTurn; ++turn) {
        const auto room = std::min(stream_->writable_size(), kReadSize);
        if (room == 0) return;  // on_writable reads on
        const auto count = local_->read(base::MutableByteView(buffer).first(room));
        if (!count) {
            if (count.error() == Errc::would_block) break;
            if (count.error() == Errc::end_of_stream) {
                stream_->finish();
                return end_if_complete();
            }
            return local_failed(count.error());
        }
        stream_->write(base::ByteView(buffer).first(*count));
        if (*count < room) break;
    }
    wait_readable();
}

void Splice::on_writable() {
    read_local();
}

void Splice::on_data(base::ByteView data) {
    std::size_t written = 0;
    if (to_local_.empty()) {
        while (written < data.size()) {
            const auto count = local_->write(data.subspan(written));
            if (!count) {
                if (count.error() == Errc::would_block) break;
                return local_failed(count.error());
            }
            written += *count;
        }
        if (written != 0) stream_->consumed(written);
    }
    if (written == data.size()) return;
    to_local_.insert(to_local_.end(), data.begin() + static_cast<std::ptrdiff_t>(written), data.end());
    wait_writable();
}

void Splice::wait_writable() {
    if (waiting_writable_) return;
    waiting_writable_ = true;
    local_->async_wait_writable([weak = weak_from_this()](error_code error) {
        auto self = weak.lock();
        if (!self || !self->self_) return;
        self->waiting_writable_ = false;
        if (error) return self->local_failed(error);
        self->write_local();
    });
}

void Splice::write_local() {
    while (to_local_offset_ < to_local_.size()) {
        const auto count = local_->write(base::ByteView(to_local_).subspan(to_local_offset_));
        if (!count) {
            if (count.error() == Errc::would_block) return wait_writable();
            return local_failed(count.error());
        }
        to_local_offset_ += *count;
        if (!stream_closed_) stream_->consumed(*count);
    }
    to_local_.clear();
    to_local_offset_ = 0;
    if (to_local_.capacity() > kKeepCapacity) to_local_.shrink_to_fit();
    if (peer_ended_) local_->shutdown_write();
    end_if_complete();
}

void Splice::on_end() {
    peer_ended_ = true;
    if (to_local_.empty()) local_->shutdown_write();
    end_if_complete();
}

void Splice::on_closed(error_code reason) {
    stream_closed_ = true;
    if (reason) {
        local_->reset();
        return finish(reason);
    }
    end_if_complete();
}

void Splice::local_failed(error_code reason) {
    const auto stream = stream_;
    local_->reset();
    finish(reason);
    stream->reset(code_of(reason));
}

void Splice::end_if_complete() {
    if (stream_closed_ && to_local_.empty()) {
        local_->close();
        finish({});
    }
}

void Splice::finish(error_code reason) {
    if (!self_) return;
    const auto keep = std::move(self_);
    self_.reset();
    if (stream_) stream_->set_handler(nullptr);
    stream_.reset();
    local_->close();
    if (const auto done = std::move(done_)) done(reason);
}

}  // namespace tubes::endpoints
