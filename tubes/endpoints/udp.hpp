// SPDX-License-Identifier: GPL-3.0-or-later
// UDP at both ends of a datagram tube: a socket that many local programs send to, and one for each flow towards the
// program that is shared.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "tubes/core/link/stream.hpp"
#include "tubes/endpoints/joint.hpp"
#include "tubes/endpoints/local_end.hpp"
#include "tubes/options.hpp"

namespace tubes::endpoints {

/// What people are to know; told on the loop.
struct UdpEvents {
    /// A program's datagram of `size` bytes exceeds the `largest` that the tube carries; once for each flow.
    std::function<void(std::size_t size, std::size_t largest)> on_too_large = [](auto, auto) {};
    /// The target cannot be reached or answers that nobody listens (ICMP); once until it works again.
    std::function<void(error_code reason)> on_unreachable = [](auto) {};
};

struct UdpLimits {
    /// Programs (source addresses) at once; the one that was silent longest gives way if it was silent for `spare`,
    /// else datagrams of further ones are dropped.
    std::size_t sources = 1024;
    std::chrono::milliseconds spare{10000};
    /// A flow without a datagram for this long ends; the next datagram begins another (RFC 4787 REQ-5: 2 minutes).
    std::chrono::milliseconds idle{120000};
};

/// This end of a tube: a UDP socket. Each address that sends to it has a flow of its own, and gets that flow's answers.
class UdpListener : public LocalEnd {
public:
    using OpenFlow = std::function<result<std::shared_ptr<core::Stream>>()>;

    /// Binds to a udp endpoint, or to a tcp endpoint's address. Errors as listen().
    static result<std::unique_ptr<UdpListener>> make(const boost::asio::any_io_executor& executor,
                                                     const ListenOptions& options, const UdpLimits& limits = {});
    /// `open_flow` is called for each new source.
    virtual void start(OpenFlow open_flow, UdpEvents events) = 0;
};

/// The shared program's end of one flow: a socket connected to `target`, a udp endpoint. Host names are resolved. An
/// unreachable program does not end the flow: it may come back.
std::shared_ptr<Joint> join_udp(const boost::asio::any_io_executor& executor, const Endpoint& target,
                                std::shared_ptr<core::Stream> stream, UdpEvents events, const UdpLimits& limits = {});

}  // namespace tubes::endpoints
