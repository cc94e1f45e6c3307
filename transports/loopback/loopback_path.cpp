// SPDX-License-Identifier: GPL-3.0-or-later
// Queues of messages between two ends that post to each other.
#include "transports/loopback/loopback_path.hpp"

#include <boost/asio/post.hpp>

#include <deque>
#include <optional>
#include <stdexcept>

namespace tubes::transports {

namespace {

using core::ports::Lane;
using core::ports::MessagePath;

struct Message {
    Lane lane;
    base::Bytes bytes;
};

/// One end: what has arrived for it, and the way to the other.
class End : public std::enable_shared_from_this<End> {
public:
    End(boost::asio::any_io_executor executor, LoopbackOptions options)
        : executor_(std::move(executor)), options_(options) {}

    void join(const std::shared_ptr<End>& peer) { peer_ = peer; }

    void start(MessagePath::Handler& handler) {
        if (closed_) return;
        handler_ = &handler;
        wake();
    }

    bool send(Lane lane, base::ByteView header, base::ByteView payload) {
        const std::size_t size = header.size() + payload.size();
        if (size > core::ports::kMaxMessageSize) throw std::invalid_argument("message larger than kMaxMessageSize");
        const auto peer = peer_.lock();
        if (closed_ || !peer || peer->closed_) return false;
        if (!peer->inbox_.empty() && peer->queued_ + size > options_.buffer_bytes) {
            refused_ = true;
            return false;
        }
        Message message{lane, {}};
        message.bytes.reserve(size);
        message.bytes.insert(message.bytes.end(), header.begin(), header.end());
        message.bytes.insert(message.bytes.end(), payload.begin(), payload.end());
        peer->queued_ += size;
        peer->inbox_.push_back(std::move(message));
        peer->wake();
        sent_ += size;
        return true;
    }

    void close(Errc reason) {
        if (std::exchange(closed_, true)) return;
        handler_ = nullptr;
        inbox_.clear();
        if (const auto peer = peer_.lock()) {
            peer->end_ = reason;
            peer->wake();
        }
    }

    core::ports::PathMetrics metrics() const {
        core::ports::PathMetrics metrics;
        metrics.bytes_sent = sent_;
        metrics.bytes_received = received_;
        return metrics;
    }

private:
    void wake() {
        if (std::exchange(awake_, true)) return;
        boost::asio::post(executor_, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->deliver();
        });
    }

    void deliver() {
        awake_ = false;
        // What arrives meanwhile waits for the next turn, so that two ends that answer each other block nobody.
        for (auto left = inbox_.size(); left > 0 && handler_; --left) {
            const Message message = std::move(inbox_.front());
            inbox_.pop_front();
            queued_ -= message.bytes.size();
            received_ += message.bytes.size();
            handler_->on_message(message.lane, message.bytes);
        }
        if (!handler_) return;
        if (const auto peer = peer_.lock(); peer && peer->refused_) peer->wake();
        if (!inbox_.empty()) return wake();
        if (end_) {
            closed_ = true;
            return std::exchange(handler_, nullptr)->on_closed(*end_);
        }
        const auto peer = peer_.lock();
        if (refused_ && peer && peer->queued_ <= options_.buffer_bytes / 2) {
            refused_ = false;
            handler_->on_writable();
        }
    }

    boost::asio::any_io_executor executor_;
    LoopbackOptions options_;
    std::weak_ptr<End> peer_;
    MessagePath::Handler* handler_ = nullptr;
    std::deque<Message> inbox_;
    std::size_t queued_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    bool awake_ = false;
    bool refused_ = false;
    bool closed_ = false;
    std::optional<Errc> end_;
};

class LoopbackPath final : public MessagePath {
public:
    LoopbackPath(std::shared_ptr<End> end, const core::Digest& binding) : end_(std::move(end)), binding_(binding) {}
    ~LoopbackPath() override { end_->close(Errc::broken); }

    void start(Handler& handler) override { end_->start(handler); }
    bool send(Lane lane, base::ByteView header, base::ByteView payload) override {
        return end_->send(lane, header, payload);
    }
    void flush() override {}
    const core::Digest& channel_binding() const override { return binding_; }
    core::ports::PathInfo info() const override { return {PathKind::loopback, "", "", "inside this process"}; }
    core::ports::PathMetrics metrics() const override { return end_->metrics(); }
    void close() override { end_->close(Errc::end_of_stream); }

private:
    std::shared_ptr<End> end_;
    core::Digest binding_;
};

}  // namespace

std::pair<std::unique_ptr<MessagePath>, std::unique_ptr<MessagePath>> make_loopback_pair(
    boost::asio::any_io_executor executor, LoopbackOptions options) {
    const auto first = std::make_shared<End>(executor, options);
    const auto second = std::make_shared<End>(executor, options);
    first->join(second);
    second->join(first);
    const auto binding = core::Digest::random();
    return {std::make_unique<LoopbackPath>(first, binding), std::make_unique<LoopbackPath>(second, binding)};
}

}  // namespace tubes::transports
