// SPDX-License-Identifier: GPL-3.0-or-later
// Finds out how the NAT between this machine and a STUN server behaves.
// Spec: RFC 5780 §4.3 (mapping), §4.4 (filtering); terms of RFC 4787 §4.1, §5.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <string>

#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// What a NAT's mapping, or its filter, depends on.
enum class NatBehaviour : std::uint8_t {
    unknown,                     ///< The server has no second address to test with.
    endpoint_independent,        ///< On this machine's port only: others can be met.
    address_dependent,           ///< Also on the other side's address.
    address_and_port_dependent,  ///< Also on the other side's port: as mapping, "symmetric".
};

/// "endpoint-independent" and so on.
std::string_view to_string(NatBehaviour behaviour) noexcept;

struct NatReport {
    std::string server;          ///< As asked: host and port.
    std::string local_address;   ///< This machine's address and port towards the server.
    std::string mapped_address;  ///< What the server saw.
    bool translated = false;     ///< The two differ: there is a NAT.
    NatBehaviour mapping = NatBehaviour::unknown;
    NatBehaviour filtering = NatBehaviour::unknown;
};

/// Asks a STUN server over UDP; at most 9 s (5 questions, three tries each). network_unreachable if the name does not
/// resolve or nothing can be sent, timed_out if the server does not answer. `done` is called once, on the executor.
void async_probe_nat(boost::asio::any_io_executor executor, core::ports::IceServer server,
                     std::function<void(result<NatReport>)> done);

}  // namespace tubes::transports
