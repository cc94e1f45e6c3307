// SPDX-License-Identifier: GPL-3.0-or-later
// In-memory streams with back-pressure.
#include "tests/contract/carrier_pair.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace tubes::contract {

namespace {

using core::ports::ByteStream;
using core::ports::PeerCarrier;
using core::ports::StreamRelay;

constexpr std::size_t kCapacity = 16 * 1024;

/// A stream's two directions.
struct Shared : std::enable_shared_from_this<Shared> {
    explicit Shared(boost::asio::io_context& context) : loop(context) {}

    struct End {
        ByteStream::Handler* handler = nullptr;
        core::Bytes incoming;
        bool wants_readable = false;
        bool wants_writable = false;
        bool finished = false;  // it writes no more
        bool gone = false;
    };
    boost::asio::io_context& loop;
    std::array<End, 2> ends;

    void check(std::size_t side) {
        boost::asio::post(loop, [self = shared_from_this(), side] {
            auto& own = self->ends.at(side);
            const auto& other = self->ends.at(1 - side);
            const bool over = other.gone || other.finished;
            if (own.wants_readable && (!own.incoming.empty() || over)) {
                own.wants_readable = false;
                if (own.handler) own.handler->on_readable();
            }
            if (own.wants_writable && (other.incoming.size() < kCapacity || other.gone)) {
                own.wants_writable = false;
                if (own.handler) own.handler->on_writable();
            }
        });
    }
};

class MemoryStream final : public ByteStream {
public:
    MemoryStream(std::shared_ptr<Shared> shared, std::size_t side) : shared_(std::move(shared)), side_(side) {}
    ~MemoryStream() override { close(); }
    MemoryStream(const MemoryStream&) = delete;
    MemoryStream& operator=(const MemoryStream&) = delete;

    void set_handler(Handler* handler) override { own().handler = handler; }
    result<std::size_t> read_some(base::MutableByteView buffer) override {
        auto& incoming = own().incoming;
        if (incoming.empty()) {
            const bool over = other().gone || other().finished;
            return make_error_code(over ? Errc::end_of_stream : Errc::would_block);
        }
        const std::size_t count = std::min(buffer.size(), incoming.size());
        const auto end = incoming.begin() + static_cast<std::ptrdiff_t>(count);
        std::copy(incoming.begin(), end, buffer.begin());
        incoming.erase(incoming.begin(), end);
        shared_->check(1 - side_);
        return count;
    }
    result<std::size_t> write_some(base::ByteView bytes) override {
        if (other().gone || own().gone || own().finished) return make_error_code(Errc::broken);
        auto& outgoing = other().incoming;
        const std::size_t count = std::min(bytes.size(), kCapacity - outgoing.size());
        if (count == 0) return make_error_code(Errc::would_block);
        outgoing.insert(outgoing.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
        shared_->check(1 - side_);
        return count;
    }
    bool has_unsent() const override { return false; }
    void want_readable() override {
        own().wants_readable = true;
        shared_->check(side_);
    }
    void want_writable() override {
        own().wants_writable = true;
        shared_->check(side_);
    }
    void finish() override {
        own().finished = true;
        shared_->check(1 - side_);
    }
    void close() override {
        own().handler = nullptr;
        own().gone = true;
        shared_->check(1 - side_);
    }
    void add_metrics(core::ports::PathMetrics&) const override {}

private:
    Shared::End& own() { return shared_->ends.at(side_); }
    Shared::End& other() { return shared_->ends.at(1 - side_); }

    std::shared_ptr<Shared> shared_;
    std::size_t side_;
};

struct Common {
    boost::asio::io_context& loop;
    std::vector<StreamRelay> relays;
    std::function<error_code(const std::string&)> activate;
    std::map<std::string, std::shared_ptr<Shared>> streams;
};

class MemoryCarrier final : public PeerCarrier {
public:
    MemoryCarrier(std::shared_ptr<Common> common, std::size_t side) : common_(std::move(common)), side_(side) {}

    std::unique_ptr<ByteStream> make_in_band(const std::string& session, bool) override {
        auto& shared = common_->streams[session];
        if (!shared) shared = std::make_shared<Shared>(common_->loop);
        return std::make_unique<MemoryStream>(shared, side_);
    }
    void find_relays(std::function<void(std::vector<StreamRelay>)> callback) override {
        boost::asio::post(common_->loop,
                          [common = common_, callback = std::move(callback)] { callback(common->relays); });
    }
    std::string relay_address(const std::string& session, bool ours) const override {
        return session + (ours == (side_ == 0) ? "0" : "1");
    }
    void activate_relay(const StreamRelay&, const std::string& session,
                        std::function<void(error_code)> callback) override {
        boost::asio::post(common_->loop, [common = common_, address = relay_address(session, true),
                                          callback = std::move(callback)] { callback(common->activate(address)); });
    }

private:
    std::shared_ptr<Common> common_;
    std::size_t side_;
};

}  // namespace

CarrierPair::CarrierPair(boost::asio::io_context& loop, std::vector<StreamRelay> relays,
                         std::function<error_code(const std::string&)> activate) {
    auto common = std::make_shared<Common>(Common{loop, std::move(relays), std::move(activate), {}});
    initiator = std::make_shared<MemoryCarrier>(common, 0);
    responder = std::make_shared<MemoryCarrier>(common, 1);
}

}  // namespace tubes::contract
