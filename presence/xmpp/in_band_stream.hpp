// SPDX-License-Identifier: GPL-3.0-or-later
// One in-band stream. Spec: XEP-0047 2.0. For files of presence/xmpp only.
#pragma once

#include <boost/asio/post.hpp>
#include <deque>
#include <optional>

#include "presence/xmpp/in_band.hpp"

namespace tubes::presence::xmpp {

/// What both the table and the handle share of a stream; ends with the handle.
class InBandService::Stream : public std::enable_shared_from_this<Stream> {
public:
    using Handler = core::ports::ByteStream::Handler;

    Stream(boost::asio::any_io_executor executor, std::weak_ptr<InBandService> service, Jid peer, std::string session);

    // From the peer.
    void open();
    bool on_open();
    /// False if it comes out of order or beyond what may wait: the stream is over.
    bool on_block(InBandBlock block, const std::string& id);
    void on_close();
    void fail(error_code reason);

    // From our side; see ByteStream.
    void set_handler(Handler* handler) { handler_ = handler; }
    result<std::size_t> read_some(base::MutableByteView buffer);
    result<std::size_t> write_some(base::ByteView bytes);
    bool has_unsent() const { return !outgoing_.empty(); }
    void want_readable();
    void want_writable();
    void finish();
    void drop();
    void add_metrics(core::ports::PathMetrics& metrics) const;

    void pump();

private:
    struct Waiting {
        core::Bytes bytes;
        std::string id;
    };

    bool has_room() const { return outgoing_.size() < kInBandBlock; }
    void send_block();
    void send_close();
    void tell();
    void ask(ElementPtr iq, std::function<void(Stream&, error_code)> then);

    boost::asio::any_io_executor executor_;
    std::weak_ptr<InBandService> service_;
    Jid peer_;
    std::string session_;
    Handler* handler_ = nullptr;

    bool open_ = false;
    bool dropped_ = false;
    bool finishing_ = false;
    bool closed_ = false;  // One side has sent <close/>.
    std::optional<error_code> error_;
    std::deque<Waiting> incoming_;
    std::size_t read_ = 0;  // Of the first block.
    std::uint16_t expected_ = 0;
    core::Bytes outgoing_;
    std::uint16_t next_ = 0;
    std::size_t in_flight_ = 0;
    bool wants_readable_ = false;
    bool wants_writable_ = false;
    bool telling_ = false;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_received_ = 0;
    std::optional<std::chrono::microseconds> round_trip_;
};

/// The stream as its user holds it.
class InBandService::Handle final : public core::ports::ByteStream {
public:
    explicit Handle(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
    ~Handle() override { stream_->drop(); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    void set_handler(Handler* handler) override { stream_->set_handler(handler); }
    result<std::size_t> read_some(base::MutableByteView buffer) override { return stream_->read_some(buffer); }
    result<std::size_t> write_some(base::ByteView bytes) override { return stream_->write_some(bytes); }
    bool has_unsent() const override { return stream_->has_unsent(); }
    void want_readable() override { stream_->want_readable(); }
    void want_writable() override { stream_->want_writable(); }
    void finish() override { stream_->finish(); }
    void close() override { stream_->drop(); }
    void add_metrics(core::ports::PathMetrics& metrics) const override { stream_->add_metrics(metrics); }

private:
    std::shared_ptr<Stream> stream_;
};

}  // namespace tubes::presence::xmpp
