// SPDX-License-Identifier: GPL-3.0-or-later
// Datagrams through simulated NATs.
#include "tests/simulation/simulated_network.hpp"

namespace tubes::simulation {
namespace {

constexpr std::uint32_t kInside = 0x80000000;  // of the number of a host behind a NAT, as it sees itself

}  // namespace

std::string NetworkAddress::text() const {
    return std::to_string(host) + ":" + std::to_string(port);
}

result<NetworkAddress> NetworkAddress::parse(const std::string& text) {
    NetworkAddress address;
    const auto colon = text.find(':');
    if (colon == std::string::npos || colon == 0 || text.size() > 16) return make_error_code(Errc::invalid_argument);
    address.host = static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
    address.port = static_cast<std::uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10));
    return address;
}

SimulatedSocket::SimulatedSocket(SimulatedNetwork& network, std::uint32_t host, std::uint16_t port)
    : network_(network), host_(host), port_(port) {
    network_.hosts_.at(host_).sockets[port_] = this;
}

SimulatedSocket::~SimulatedSocket() {
    network_.hosts_.at(host_).sockets.erase(port_);
}

void SimulatedSocket::send(const NetworkAddress& to, core::ByteView datagram) {
    network_.send(*this, to, datagram);
}

NetworkAddress SimulatedSocket::local() const {
    const bool is_public = network_.hosts_.at(host_).nat == NatKind::none;
    return {is_public ? host_ : host_ | kInside, port_};
}

std::uint32_t SimulatedNetwork::add_host(NatKind nat) {
    const auto number = static_cast<std::uint32_t>(hosts_.size() + 1);
    hosts_[number].nat = nat;
    return number;
}

std::unique_ptr<SimulatedSocket> SimulatedNetwork::open(std::uint32_t host) {
    return std::make_unique<SimulatedSocket>(*this, host, hosts_.at(host).next_port++);
}

void SimulatedNetwork::send(SimulatedSocket& socket, const NetworkAddress& to, core::ByteView datagram) {
    auto& host = hosts_.at(socket.host_);
    if (host.nat == NatKind::udp_blocked || datagram.size() > weather.mtu) return;
    NetworkAddress from = socket.local();
    if (host.nat != NatKind::none) from = {socket.host_, map_outbound(host, socket.port_, to)};
    const int copies = chance(weather.loss) ? 0 : chance(weather.duplication) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        const auto extra = std::uniform_int_distribution<std::int64_t>(0, weather.jitter.count())(random_);
        core::Bytes copy(datagram.begin(), datagram.end());
        scheduler_.run_after(weather.delay + core::Duration(extra),
                             [this, from, to, copy = std::move(copy)] { arrive(from, to, copy); });
    }
}

std::uint16_t SimulatedNetwork::map_outbound(Host& host, std::uint16_t inside, const NetworkAddress& to) {
    const bool is_symmetric = host.nat == NatKind::symmetric;
    for (auto& [outside, mapping] : host.mappings) {
        if (mapping.inside != inside || (is_symmetric && mapping.destination != to)) continue;
        mapping.contacted.insert(to);
        return outside;
    }
    const auto outside = static_cast<std::uint16_t>(40'000 + host.mappings.size());
    host.mappings[outside] = Mapping{inside, to, {to}};
    return outside;
}

bool SimulatedNetwork::lets_in(const Host& host, const Mapping& mapping, const NetworkAddress& from) {
    switch (host.nat) {
        case NatKind::full_cone: return true;
        case NatKind::address_restricted:
            return std::any_of(mapping.contacted.begin(), mapping.contacted.end(),
                               [&](const auto& each) { return each.host == from.host; });
        case NatKind::port_restricted:
        case NatKind::symmetric: return mapping.contacted.contains(from);
        default: return false;
    }
}

void SimulatedNetwork::arrive(const NetworkAddress& from, const NetworkAddress& to, const core::Bytes& datagram) {
    const auto found = hosts_.find(to.host);  // numbers inside a NAT are found by nobody outside
    if (found == hosts_.end()) return;
    auto& host = found->second;
    auto port = to.port;
    if (host.nat != NatKind::none) {
        const auto mapping = host.mappings.find(to.port);
        if (mapping == host.mappings.end() || !lets_in(host, mapping->second, from)) return;
        port = mapping->second.inside;
    }
    const auto socket = host.sockets.find(port);
    if (socket == host.sockets.end()) return;
    ++delivered;
    if (socket->second->on_datagram) socket->second->on_datagram(from, datagram);
}

}  // namespace tubes::simulation
