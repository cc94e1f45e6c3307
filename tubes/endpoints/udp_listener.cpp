// SPDX-License-Identifier: GPL-3.0-or-later
// Sources, their flows, and which of them gives way.
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <map>

#include "tubes/endpoints/udp.hpp"
#include "tubes/endpoints/udp_socket.hpp"

namespace tubes::endpoints {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

/// Kept alive by the operations in flight until close().
class Gate : public std::enable_shared_from_this<Gate> {
public:
    Gate(const asio::any_io_executor& executor, const UdpLimits& limits)
        : socket(executor), limits_(limits), sweep_(executor), buffer_(kLargestUdp) {}

    void start(UdpListener::OpenFlow open_flow, UdpEvents events) {
        open_flow_ = std::move(open_flow);
        events_ = std::move(events);
        wait_readable();
    }

    void close() {
        boost::system::error_code ignored;
        socket.close(ignored);
        sweep_.cancel();
        by_address_.clear();
        sources_.clear();
        open_flow_ = nullptr;
    }

    udp::socket socket;

private:
    /// One local program, and its flow.
    struct Source final : core::Stream::Handler {
        Source(Gate& owner, udp::endpoint sender, std::shared_ptr<core::Stream> opened)
            : gate(owner), address(std::move(sender)), flow(std::move(opened)) {
            flow->set_handler(this);
        }
        ~Source() {
            flow->set_handler(nullptr);
            flow->reset(Errc::cancelled);
        }
        Source(const Source&) = delete;
        Source& operator=(const Source&) = delete;

        void on_data(base::ByteView data) override { flow->consumed(data.size()); }
        void on_end() override {}
        void on_writable() override {}
        void on_datagram(base::ByteView datagram) override { gate.answer(*this, datagram); }
        void on_closed(error_code) override { gate.forget(*this); }

        Gate& gate;
        udp::endpoint address;
        std::shared_ptr<core::Stream> flow;
        Clock::time_point used;
        bool has_complained = false;
    };
    using Sources = std::list<Source>;  // the one used last in front

    void wait_readable() {
        socket.async_wait(udp::socket::wait_read, [self = shared_from_this()](error_code error) {
            if (!error && self->socket.is_open()) self->read();
        });
    }

    void read() {
        const auto self = shared_from_this();
        for (std::size_t count = 0; count < kDatagramsPerTurn && socket.is_open(); ++count) {
            udp::endpoint from;
            boost::system::error_code error;
            const auto size = socket.receive_from(asio::buffer(buffer_), from, 0, error);
            if (error == asio::error::would_block) break;
            if (!error) take(from, base::ByteView(buffer_).first(size));
        }
        if (socket.is_open()) wait_readable();
    }

    void take(const udp::endpoint& from, base::ByteView datagram) {
        auto* source = find(from);
        if (source == nullptr) return;
        const auto sent = source->flow->send_datagram(datagram);
        if (sent || sent.error() != Errc::message_too_large || std::exchange(source->has_complained, true)) return;
        events_.on_too_large(datagram.size(), source->flow->largest_datagram());
    }

    /// The source, perhaps a new one; null if there is no room or no flow for it.
    Source* find(const udp::endpoint& from) {
        const auto now = Clock::now();
        auto found = by_address_.find(from);
        if (found == by_address_.end()) {
            if (sources_.size() >= limits_.sources && !make_room(now)) return nullptr;
            auto flow = open_flow_();
            if (!flow) return nullptr;
            sources_.emplace_front(*this, from, std::move(*flow));
            found = by_address_.emplace(from, sources_.begin()).first;
            if (sources_.size() == 1) arm_sweep(now + limits_.idle);
        }
        touch(*found->second, now);
        return &*found->second;
    }

    void touch(Source& source, Clock::time_point now) {
        source.used = now;
        sources_.splice(sources_.begin(), sources_, by_address_.at(source.address));
    }

    bool make_room(Clock::time_point now) {
        if (now - sources_.back().used < limits_.spare) return false;
        forget(sources_.back());
        return true;
    }

    void answer(Source& source, base::ByteView datagram) {
        touch(source, Clock::now());
        boost::system::error_code lost;  // a full buffer or a program that is gone: UDP loses, too
        socket.send_to(asio::buffer(datagram.data(), datagram.size()), source.address, 0, lost);
    }

    void forget(Source& source) {
        const auto found = by_address_.find(source.address);
        const auto place = found->second;
        by_address_.erase(found);
        sources_.erase(place);
    }

    void arm_sweep(Clock::time_point when) {
        sweep_.expires_at(when);
        sweep_.async_wait([self = shared_from_this()](error_code error) {
            if (!error && self->socket.is_open()) self->sweep();
        });
    }

    void sweep() {
        const auto now = Clock::now();
        while (!sources_.empty() && sources_.back().used + limits_.idle <= now) forget(sources_.back());
        if (!sources_.empty()) arm_sweep(sources_.back().used + limits_.idle);
    }

    UdpLimits limits_;
    asio::steady_timer sweep_;
    base::Bytes buffer_;
    UdpListener::OpenFlow open_flow_;
    UdpEvents events_;
    Sources sources_;
    std::map<udp::endpoint, Sources::iterator> by_address_;
};

class Listener final : public UdpListener {
public:
    explicit Listener(std::shared_ptr<Gate> gate, Endpoint bound)
        : gate_(std::move(gate)), endpoint_(std::move(bound)) {}
    ~Listener() override { gate_->close(); }
    Endpoint endpoint() const override { return endpoint_; }
    void start(OpenFlow open_flow, UdpEvents events) override { gate_->start(std::move(open_flow), std::move(events)); }
    void close() override { gate_->close(); }

private:
    std::shared_ptr<Gate> gate_;
    Endpoint endpoint_;
};

}  // namespace

result<std::unique_ptr<UdpListener>> UdpListener::make(const asio::any_io_executor& executor,
                                                       const ListenOptions& options, const UdpLimits& limits) {
    const auto& wanted = options.endpoint;
    if (wanted.kind != Endpoint::Kind::udp && wanted.kind != Endpoint::Kind::tcp) {
        return make_error_code(Errc::invalid_argument);
    }
    boost::system::error_code error;
    const bool is_default = wanted.host.empty() || wanted.host == "localhost";
    const auto address = asio::ip::make_address(is_default ? "127.0.0.1" : wanted.host, error);
    if (error) return make_error_code(Errc::invalid_argument);
    if (!address.is_loopback() && !options.allow_remote) return make_error_code(Errc::address_not_allowed);
    auto gate = std::make_shared<Gate>(executor, limits);
    const udp::endpoint local(address, wanted.port);
    if (const auto failed = open_udp(gate->socket, local)) return failed;
    gate->socket.bind(local, error);
    if (error == asio::error::address_in_use) return make_error_code(Errc::address_in_use);
    if (error == boost::system::errc::address_not_available) return make_error_code(Errc::invalid_argument);
    if (error) return error;
    auto bound = Endpoint::udp(address.to_string(), gate->socket.local_endpoint().port());
    return std::unique_ptr<UdpListener>(std::make_unique<Listener>(std::move(gate), std::move(bound)));
}

}  // namespace tubes::endpoints
