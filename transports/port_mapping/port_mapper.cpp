// SPDX-License-Identifier: GPL-3.0-or-later
// One connected socket: the kernel drops what others than the router send.
#include "transports/port_mapping/port_mapper.hpp"

#include <boost/asio/buffer.hpp>

#include <arpa/inet.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "transports/addresses/address_rules.hpp"
#include "transports/guarded.hpp"
#include "tubes/base/log.hpp"

namespace tubes::transports {

using boost::asio::ip::udp;

namespace {

constexpr std::chrono::milliseconds kFirstWait{250};  // RFC 6886 §3.1; doubled with each try.
constexpr int kTries = 4;                             // §3.1 has nine, 64 s: no candidate is worth that.
constexpr std::chrono::seconds kShortestRenewal{1};   // Whatever a router grants, it is not asked more often.

/// "0102A8C0": the bytes as they lie in memory, in the machine's own order.
std::optional<std::uint32_t> read_hexadecimal(const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<boost::asio::ip::address_v4> parse_default_router(std::string_view routes) {
    std::istringstream lines{std::string(routes)};
    std::optional<boost::asio::ip::address_v4> best;
    long lowest = 0;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string interface, destination, gateway, flags;
        int references = 0, uses = 0;
        long metric = 0;
        if (!(fields >> interface >> destination >> gateway >> flags >> references >> uses >> metric)) continue;
        const auto router = read_hexadecimal(gateway);
        if (destination != "00000000" || !router || *router == 0 || (best && metric >= lowest)) continue;
        lowest = metric;
        best = boost::asio::ip::address_v4(ntohl(*router));
    }
    return best;
}

std::optional<udp::endpoint> default_router() {
    std::ifstream file("/proc/net/route");
    const std::string routes{std::istreambuf_iterator<char>(file), {}};
    const auto router = parse_default_router(routes);
    return router ? std::optional(udp::endpoint(*router, kNatPmpPort)) : std::nullopt;
}

PortMapper::PortMapper(boost::asio::any_io_executor executor, FindRouter find_router)
    : executor_(std::move(executor)), find_router_(std::move(find_router)), socket_(executor_) {}

/// A machine that moved has another router: what the last one granted is of no use there.
bool PortMapper::reach_router() {
    const auto router = find_router_();
    if (!router) return false;
    if (socket_.is_open() && *router == router_) return true;
    error_code error;
    socket_.close(error);
    external_.reset();
    for (auto& [key, entry] : entries_) entry.outside = 0;
    router_ = *router;
    socket_.open(router_.protocol(), error);
    if (!error) socket_.non_blocking(true, error);
    if (!error) socket_.connect(router_, error);
    if (error) {
        socket_.close(error);
        return false;
    }
    receive();
    return true;
}

std::unique_ptr<PortMapper::Lease> PortMapper::map(MappedProtocol protocol, const boost::asio::ip::address& address,
                                                   std::uint16_t port, Mapped mapped) {
    if (!address.is_v4() || entries_.size() >= kMaxMappings || !reach_router()) return nullptr;
    error_code error;
    if (socket_.local_endpoint(error).address() != address || error) return nullptr;
    const Key key(protocol, port);
    const auto [found, is_new] = entries_.try_emplace(key, executor_);
    if (!is_new) return nullptr;
    found->second.mapped = std::move(mapped);
    ask(key);
    return std::make_unique<Lease>(shared_from_this(), protocol, port);
}

void PortMapper::receive() {
    socket_.async_receive(
        boost::asio::buffer(buffer_), guarded(this, [](PortMapper& self, const error_code& error, std::size_t size) {
            if (error == boost::asio::error::operation_aborted || !self.socket_.is_open()) return;
            // Refused by ICMP, or no answer of NAT-PMP: the tries go on until the time is over.
            const auto answer = parse_nat_pmp_answer(core::ByteView(self.buffer_).first(error ? 0 : size));
            if (answer) self.on_answer(*answer);
            if (self.socket_.is_open()) self.receive();
        }));
}

void PortMapper::ask(const Key& key) {
    auto& entry = entries_.at(key);
    if (!external_) send(encode_external_address_request());
    send(encode_mapping_request(key.first, key.second, entry.outside, kMappingLifetime));
    ask_later(key, kFirstWait * (1 << entry.tries++));
}

void PortMapper::ask_later(const Key& key, std::chrono::milliseconds delay) {
    auto& timer = entries_.at(key).timer;
    timer.expires_after(delay);
    timer.async_wait(guarded(this, [key](PortMapper& self, const error_code& error) {
        const auto found = self.entries_.find(key);
        if (error || found == self.entries_.end()) return;
        if (!self.reach_router() || found->second.tries >= kTries)
            return self.tell(found->second, make_error_code(Errc::timed_out));
        self.ask(key);
    }));
}

void PortMapper::on_answer(const NatPmpAnswer& answer) {
    if (answer.operation == 0) {
        if (answer.refusal != 0 || external_ == answer.address) return;
        external_ = answer.address;
        std::vector<Key> keys;  // Telling may end leases.
        for (const auto& [key, entry] : entries_) keys.push_back(key);
        for (const auto& key : keys) settle(key);
        return;
    }
    const Key key(static_cast<MappedProtocol>(answer.operation), answer.port);
    const auto found = entries_.find(key);
    if (found == entries_.end() || (answer.refusal == 0 && answer.lifetime.count() == 0)) return;
    auto& entry = found->second;
    if (answer.refusal != 0) {
        base::logger("mapping")->debug("the router refuses with {}", answer.refusal);
        entry.timer.cancel();
        return tell(entry, make_error_code(Errc::refused));
    }
    entry.outside = answer.outside;
    entry.renewal =
        std::max<std::chrono::milliseconds>(std::min(answer.lifetime, kMappingLifetime) / 2, kShortestRenewal);
    settle(key);
}

/// Where both answers are there: rests until the renewal, and tells. Else the tries go on.
void PortMapper::settle(const Key& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || !external_ || found->second.outside == 0) return;
    auto& entry = found->second;
    entry.tries = 0;
    ask_later(key, entry.renewal);
    if (is_private(*external_)) return tell(entry, make_error_code(Errc::address_not_allowed));
    tell(entry, udp::endpoint(*external_, entry.outside));
}

void PortMapper::tell(Entry& entry, result<udp::endpoint> outcome) {
    if (const auto mapped = std::exchange(entry.mapped, nullptr)) mapped(outcome);
}

void PortMapper::release(const Key& key) {
    if (entries_.erase(key) == 0 || !socket_.is_open()) return;
    // Once: a lost one costs the router an entry until its lifetime is over.
    send(encode_mapping_request(key.first, key.second, 0, std::chrono::seconds(0)));
}

void PortMapper::send(const core::Bytes& request) {
    error_code ignored;
    socket_.send(boost::asio::buffer(request), 0, ignored);
}

}  // namespace tubes::transports
