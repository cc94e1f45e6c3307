// SPDX-License-Identifier: GPL-3.0-or-later
// Connects to a peer's addresses one after the other without waiting for each: happy eyeballs with trickle.
// Spec: RFC 8305 §4 (order), §5 (staggered connection attempts).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace tubes::transports {

/// Remote candidates that are tried; more are ignored.
inline constexpr std::size_t kMaxRemoteCandidates = 16;

/// RFC 8305 §5: the recommended delay between the starts of two connection attempts.
inline constexpr std::chrono::milliseconds kConnectStagger{250};
/// On one site answers take a millisecond: waiting longer for them helps nobody.
inline constexpr std::chrono::milliseconds kConnectStaggerOnSite{30};

/// Dials. Alternates address families, IPv6 first; addresses of the same site go before distant ones.
class Dialler final {
public:
    using Connected = std::function<void(boost::asio::ip::tcp::socket)>;
    using Exhausted = std::function<void()>;

    /// Both are called from the loop, never inside a call: `connected` for each connection, `exhausted` each time
    /// nothing is left to try or to wait for.
    Dialler(boost::asio::any_io_executor executor, Connected connected, Exhausted exhausted);
    ~Dialler();
    Dialler(const Dialler&) = delete;
    Dialler& operator=(const Dialler&) = delete;

    /// Adds an address. Duplicates and those beyond kMaxRemoteCandidates are ignored.
    void add(const boost::asio::ip::tcp::endpoint& endpoint);
    /// True while something is being tried or waits to be.
    bool is_busy() const;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace tubes::transports
