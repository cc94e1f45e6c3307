// SPDX-License-Identifier: GPL-3.0-or-later
// From a domain to a TCP connection: hosts in order, IPv6 and IPv4 raced. Spec: RFC 8305 §5, RFC 6120 §3.2.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "presence/xmpp/resolver.hpp"
#include "tubes/base/outbound.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::chrono::milliseconds kConnectStagger{250};    // RFC 8305 §5, "Connection Attempt Delay"
inline constexpr std::chrono::milliseconds kNextTargetDelay{3000};  // before a less preferred host is tried beside

/// Where to connect.
struct ConnectPlan {
    std::string domain;                     ///< ASCII.
    std::optional<Target> explicit_target;  ///< Instead of DNS.
    std::string dns_servers;                ///< As in AresChannel::make().
    std::chrono::milliseconds timeout{20000};
    base::Proxy proxy = {};  ///< Knows the hosts' addresses itself; one host after the other.
};

/// One search for a connection. Callbacks run on the loop, never inside a call, and not after destruction.
class Connector : public std::enable_shared_from_this<Connector> {
public:
    using Callback = std::function<void(boost::asio::ip::tcp::socket socket, Target target, Failure failure)>;

    Connector(boost::asio::any_io_executor executor, ConnectPlan plan);

    /// Resolves and connects. `callback` gets an open socket, or Errc::network_unreachable or Errc::timed_out.
    void start(Callback callback);
    /// Goes on after the connection that was handed over turned out to be useless. Errc::network_unreachable when
    /// nothing is left to try.
    void try_next(Callback callback);
    /// Stops; no callback follows.
    void cancel();

private:
    struct Candidate {
        boost::asio::ip::tcp::endpoint endpoint;  // unspecified: through the proxy
        Target target;
        std::size_t target_index = 0;
    };

    void resolve(std::vector<Target> targets);
    void on_addresses(std::size_t index, const std::vector<boost::asio::ip::address>& addresses,
                      const Failure& failure);
    void race();
    void connect_next();
    void tunnel(const Candidate& candidate);
    void on_connected(const std::shared_ptr<boost::asio::ip::tcp::socket>& socket, const Candidate& candidate,
                      error_code error);
    void finish(boost::asio::ip::tcp::socket socket, const Target& target, Failure failure);
    void fail(Failure failure);
    void stop_attempts();

    boost::asio::any_io_executor executor_;
    ConnectPlan plan_;
    std::unique_ptr<Resolver> resolver_;
    boost::asio::steady_timer stagger_;
    boost::asio::steady_timer deadline_;
    Callback callback_;
    std::vector<Target> targets_;
    std::vector<std::vector<boost::asio::ip::address>> addresses_;
    std::size_t unresolved_ = 0;
    std::vector<Candidate> candidates_;
    std::size_t next_ = 0;
    std::vector<std::shared_ptr<boost::asio::ip::tcp::socket>> attempts_;
    std::unique_ptr<base::Outbound> tunnel_;
    Failure first_failure_;
};

}  // namespace tubes::presence::xmpp
