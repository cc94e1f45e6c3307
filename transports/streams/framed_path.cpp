// SPDX-License-Identifier: GPL-3.0-or-later
// Collects, writes, reads and delivers frames, and closes without losing what was sent.
#include "transports/streams/framed_path.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "transports/streams/frame.hpp"

namespace tubes::transports {

namespace {

/// A quiet path's receive buffer; it grows to kBusyBuffer when a read fills it.
constexpr std::size_t kQuietBuffer = 4 * 1024;
constexpr std::size_t kBusyBuffer = 64 * 1024;
static_assert(kBusyBuffer > kMaxFrameSize);

/// Room below this behind the received bytes makes reads of a whole TLS record impossible: compact first.
constexpr std::size_t kWholeRecord = 16 * 1024;

/// Bytes delivered before other work of the loop gets its turn.
constexpr std::size_t kReadBudget = 256 * 1024;

/// Relays may keep the last kilobytes of a burst until more comes (Prosody's proxy65 does at times): so long after a
/// burst padding follows, which pushes them. Three times, since what pushes may be kept as well.
constexpr std::array<std::chrono::milliseconds, 3> kPushes{
    std::chrono::milliseconds(30), std::chrono::milliseconds(150), std::chrono::milliseconds(1000)};

}  // namespace

class FramedPath::Session final : public std::enable_shared_from_this<Session>, public ByteStream::Handler {
public:
    Session(boost::asio::any_io_executor executor, std::unique_ptr<ByteStream> stream, bool pushes)
        : executor_(executor), stream_(std::move(stream)), linger_(executor), pushes_(pushes), push_(executor) {
        stream_->set_handler(this);
    }

    void start(MessagePath::Handler& handler) {
        if (closing_) return;
        handler_ = &handler;
        post(&Session::read);
        if (refused_) post(&Session::on_writable);
    }

    bool send(core::ports::Lane lane, base::ByteView header, base::ByteView payload) {
        if (header.size() + payload.size() > core::ports::kMaxMessageSize) {
            throw std::invalid_argument("message larger than kMaxMessageSize");
        }
        if (closing_ || dropped_ || write_error_) return false;
        if (blocked_ && unsent() >= kBlockedQueue) {
            refused_ = true;
            return false;
        }
        if (pushes_) {
            sent_since_push_ = true;
            next_push_ = 0;
            wait_to_push();
        }
        const auto frame = frame_header(lane, header.size() + payload.size());
        outgoing_.insert(outgoing_.end(), frame.begin(), frame.end());
        outgoing_.insert(outgoing_.end(), header.begin(), header.end());
        outgoing_.insert(outgoing_.end(), payload.begin(), payload.end());
        if (unsent() >= kWriteBatch) {
            write();
        } else if (!flush_posted_ && !blocked_) {
            flush_posted_ = true;
            post(&Session::posted_flush);
        }
        return true;
    }

    void write() {
        if (blocked_ || write_error_ || dropped_) return;
        while (unsent() > 0) {
            const auto rest = base::ByteView(outgoing_).subspan(written_);
            const auto taken = stream_->write_some(rest);
            if (taken.has_error()) {
                if (taken.error() == Errc::would_block) return wait_until_writable();
                return fail_writing(taken.error());
            }
            written_ += *taken;
            if (*taken < rest.size()) return wait_until_writable();
        }
        outgoing_.clear();
        written_ = 0;
        if (stream_->has_unsent()) wait_until_writable();
    }

    void on_readable() override {
        const auto self = shared_from_this();
        read();
    }

    void on_writable() override {
        const auto self = shared_from_this();
        blocked_ = false;
        write();
        if (blocked_ || dropped_) return;
        if (closing_) return finish();
        if (refused_ && handler_) {
            refused_ = false;
            handler_->on_writable();
        }
    }

    void close() {
        if (closing_) return;
        closing_ = true;
        handler_ = nullptr;
        if (dropped_) return;
        // The timer's handler owns the session until the peer has everything, or it has waited long enough.
        linger_.expires_after(kLinger);
        linger_.async_wait([self = shared_from_this()](const error_code&) { self->drop(); });
        write();
        if (write_error_) return drop();
        if (!blocked_) finish();
    }

    void abandon() {
        handler_ = nullptr;
        if (!closing_) drop();
        closing_ = true;
    }

    void add_metrics(core::ports::PathMetrics& metrics) const { stream_->add_metrics(metrics); }

private:
    std::size_t unsent() const { return outgoing_.size() - written_; }

    void post(void (Session::*task)()) {
        boost::asio::post(executor_, [weak = weak_from_this(), task] {
            if (const auto self = weak.lock()) ((*self).*task)();
        });
    }

    void posted_flush() {
        flush_posted_ = false;
        write();
    }

    void wait_to_push() {
        if (waits_to_push_ || next_push_ == kPushes.size()) return;
        waits_to_push_ = true;
        push_.expires_after(kPushes[next_push_]);
        push_.async_wait([weak = weak_from_this()](const error_code& error) {
            if (const auto self = weak.lock(); self && !error) self->push();
        });
    }

    void push() {
        waits_to_push_ = false;
        if (closing_ || dropped_ || write_error_) return;
        // Only after quiet: while messages go out they push each other.
        if (!std::exchange(sent_since_push_, false) && !blocked_) {
            const auto padding = frame_header(kPaddingLane, 0);
            outgoing_.insert(outgoing_.end(), padding.begin(), padding.end());
            write();
            ++next_push_;
        }
        wait_to_push();
    }

    void wait_until_writable() {
        blocked_ = true;
        if (written_ > 0) {
            outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(written_));
            written_ = 0;
        }
        stream_->want_writable();
    }

    /// What the peer sent before it went away is delivered first: reading finds the end by itself.
    void fail_writing(error_code error) {
        write_error_ = error;
        outgoing_.clear();
        written_ = 0;
        post(&Session::read);
    }

    void read() {
        if (dropped_ || (!handler_ && !closing_)) return;
        std::size_t received = 0;
        while (received < kReadBudget) {
            make_room();
            const auto count = stream_->read_some(base::MutableByteView(incoming_).subspan(end_));
            if (count.has_error()) return stop_reading(count.error());
            end_ += *count;
            received += *count;
            if (closing_)
                begin_ = end_ = 0;
            else if (!deliver())
                return;
        }
        post(&Session::read);
    }

    void stop_reading(error_code error) {
        if (error != Errc::would_block) {
            const bool truncated = error == Errc::end_of_stream && end_ > begin_;
            return fail(truncated ? make_error_code(Errc::broken) : error);
        }
        if (write_error_) return fail(*write_error_);
        stream_->want_readable();
    }

    void make_room() {
        if (begin_ == end_) begin_ = end_ = 0;
        const std::size_t room = incoming_.size() - end_;
        if (begin_ > 0 && room < std::min(kWholeRecord, incoming_.size() / 2)) {
            std::memmove(incoming_.data(), incoming_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (end_ == incoming_.size()) incoming_.resize(incoming_.empty() ? kQuietBuffer : kBusyBuffer);
    }

    /// Delivers the whole frames. False if the path is over.
    bool deliver() {
        const bool filled = end_ == incoming_.size();
        while (begin_ < end_) {
            const auto frame = parse_frame(base::ByteView(incoming_).subspan(begin_, end_ - begin_));
            if (frame.has_error()) {
                fail(frame.error());
                return false;
            }
            if (!frame->has_value()) break;
            begin_ += (*frame)->size();
            if ((*frame)->lane == kPaddingLane) continue;
            handler_->on_message((*frame)->lane, (*frame)->message);
            if (closing_) begin_ = end_ = 0;
            if (!handler_) return closing_ && !dropped_;
        }
        if (filled && incoming_.size() < kBusyBuffer) incoming_.resize(kBusyBuffer);
        return true;
    }

    /// Everything has left: say so, and read on until the peer has closed too, because closing a socket with unread
    /// bytes would reset it and could destroy what the peer has not received yet.
    void finish() {
        stream_->finish();
        post(&Session::read);
    }

    void fail(error_code reason) {
        drop();
        if (auto* handler = std::exchange(handler_, nullptr)) handler->on_closed(reason);
    }

    void drop() {
        if (std::exchange(dropped_, true)) return;
        stream_->close();
        linger_.cancel();
        push_.cancel();
    }

    boost::asio::any_io_executor executor_;
    std::unique_ptr<ByteStream> stream_;
    boost::asio::steady_timer linger_;
    MessagePath::Handler* handler_ = nullptr;

    base::Bytes outgoing_;
    std::size_t written_ = 0;
    bool flush_posted_ = false;
    bool blocked_ = false;  ///< The stream said "full"; on_writable() follows.
    bool refused_ = false;  ///< send() said no; the link waits for on_writable().
    std::optional<error_code> write_error_;

    bool pushes_;
    boost::asio::steady_timer push_;
    bool waits_to_push_ = false;
    bool sent_since_push_ = false;
    std::size_t next_push_ = 0;  ///< Into kPushes; its size when all is pushed.

    base::Bytes incoming_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;

    bool closing_ = false;  ///< close() was called: nobody is told anything any more.
    bool dropped_ = false;  ///< The stream is closed.
};

FramedPath::FramedPath(boost::asio::any_io_executor executor, std::unique_ptr<ByteStream> stream,
                       core::ports::PathInfo info, const core::Digest& channel_binding)
    : session_(std::make_shared<Session>(std::move(executor), std::move(stream), info.kind == PathKind::socks5)),
      info_(std::move(info)),
      channel_binding_(channel_binding) {}

FramedPath::~FramedPath() {
    session_->abandon();
}

void FramedPath::start(Handler& handler) {
    session_->start(handler);
}

bool FramedPath::send(core::ports::Lane lane, base::ByteView header, base::ByteView payload) {
    return session_->send(lane, header, payload);
}

void FramedPath::flush() {
    session_->write();
}

const core::Digest& FramedPath::channel_binding() const {
    return channel_binding_;
}

core::ports::PathInfo FramedPath::info() const {
    return info_;
}

core::ports::PathMetrics FramedPath::metrics() const {
    core::ports::PathMetrics metrics;
    session_->add_metrics(metrics);
    return metrics;
}

void FramedPath::close() {
    session_->close();
}

}  // namespace tubes::transports
