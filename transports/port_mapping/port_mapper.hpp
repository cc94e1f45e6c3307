// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the router of this network to lead ports in, for as long as somebody holds them.
// Spec: RFC 6886 (NAT-PMP).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "transports/port_mapping/nat_pmp_message.hpp"

namespace tubes::transports {

/// Where routers listen (RFC 6886 §3).
inline constexpr std::uint16_t kNatPmpPort = 5351;

/// What a mapping is asked for at a time, and renewed at half of it: as long as a router may keep it after a crash.
inline constexpr std::chrono::seconds kMappingLifetime{600};

/// Ports held at a time; more are not asked for.
inline constexpr std::size_t kMaxMappings = 64;

/// The default router of the main table, as /proc/net/route prints it; the one with the lowest metric.
std::optional<boost::asio::ip::address_v4> parse_default_router(std::string_view routes);
/// The same of this machine now. Does not block.
std::optional<boost::asio::ip::udp::endpoint> default_router();

/// Talks to one router and to nobody else. Lives on one loop.
class PortMapper final : public std::enable_shared_from_this<PortMapper> {
public:
    using FindRouter = std::function<std::optional<boost::asio::ip::udp::endpoint>()>;
    /// The address outside, or why there is none: Errc::refused by the router, Errc::timed_out where it does not
    /// answer, Errc::address_not_allowed where its own address is a private one (it stands behind a NAT itself).
    using Mapped = std::function<void(result<boost::asio::ip::udp::endpoint>)>;

    /// A port that is led in, or asked for. Going away takes it back.
    class Lease {
    public:
        Lease(std::shared_ptr<PortMapper> mapper, MappedProtocol protocol, std::uint16_t port)
            : mapper_(std::move(mapper)), key_(protocol, port) {}
        ~Lease() { mapper_->release(key_); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;

    private:
        friend class PortMapper;
        std::shared_ptr<PortMapper> mapper_;
        std::pair<MappedProtocol, std::uint16_t> key_;
    };

    explicit PortMapper(boost::asio::any_io_executor executor, FindRouter find_router = default_router);

    /// Asks for a port of `address` of this machine. `mapped` is told once, from the loop and never inside this call,
    /// unless the lease goes before. Null without a router, if it is not `address` that it sees, or at kMaxMappings.
    std::unique_ptr<Lease> map(MappedProtocol protocol, const boost::asio::ip::address& address, std::uint16_t port,
                               Mapped mapped);

private:
    using Key = std::pair<MappedProtocol, std::uint16_t>;
    struct Entry {
        explicit Entry(const boost::asio::any_io_executor& executor) : timer(executor) {}
        Mapped mapped;  ///< Null once told.
        boost::asio::steady_timer timer;
        int tries = 0;
        std::uint16_t outside = 0;  ///< 0 until granted.
        std::chrono::milliseconds renewal{0};
    };

    bool reach_router();
    void receive();
    void on_answer(const NatPmpAnswer& answer);
    void ask(const Key& key);
    void ask_later(const Key& key, std::chrono::milliseconds delay);
    void settle(const Key& key);
    void tell(Entry& entry, result<boost::asio::ip::udp::endpoint> outcome);
    void release(const Key& key);
    void send(const core::Bytes& request);

    boost::asio::any_io_executor executor_;
    FindRouter find_router_;
    boost::asio::ip::udp::socket socket_;
    boost::asio::ip::udp::endpoint router_;
    std::optional<boost::asio::ip::address_v4> external_;
    std::array<std::uint8_t, 64> buffer_{};
    std::map<Key, Entry> entries_;
};

}  // namespace tubes::transports
