// SPDX-License-Identifier: GPL-3.0-or-later
// The scripted end of a wire.
#include "tests/simulation/hostile_peer.hpp"

namespace tubes::simulation {

using namespace core;

HostilePeer::HostilePeer(LinkRole role, LinkLimits limits) {
    crypto.random(honest.id.bytes);
    honest.role = role;
    honest.self.value = "honest@example.org";
    honest.peer.value = "hostile@example.org";
    honest.peer_key = hostile_identity.public_key();
    honest.limits = limits;
    hostile = honest;
    hostile.role = role == LinkRole::initiator ? LinkRole::responder : LinkRole::initiator;
    std::swap(hostile.self, hostile.peer);
    hostile.peer_key = honest_identity.public_key();
    end.link = Link::make(honest, scheduler, honest_identity, crypto, end);
}

void HostilePeer::connect(std::uint32_t generation) {
    wire = SimulatedWire::make(scheduler, {.queue = 1 << 30});
    path = wire->take(Side::b);
    path->start(*this);
    end.link->add_path(wire->take(Side::a), generation);
}

wire::Hello HostilePeer::hello(std::uint32_t generation) const {
    return make_hello({hostile, path->channel_binding(), generation}, hostile_identity);
}

void HostilePeer::send_hello(const wire::Hello& hello) {
    const auto payload = wire::encode(hello);
    wire::Frame frame;
    frame.type = wire::FrameType::hello;
    send(frame, payload);
}

void HostilePeer::open() {
    connect();
    send_hello(hello());
    wire::Frame frame;
    frame.type = honest.role == LinkRole::initiator ? wire::FrameType::moved : wire::FrameType::move;
    frame.value = 1;
    run();
    send(frame);
    run();
}

void HostilePeer::send(ports::Lane lane, Bytes message) {
    path->send(lane, message, {});
}

void HostilePeer::send(wire::Frame frame, ByteView payload) {
    path->send(wire::lane_of(frame.stream), wire::encode_header(frame).view(), payload);
}

std::size_t HostilePeer::count(wire::FrameType type) const {
    return static_cast<std::size_t>(std::count_if(heard.begin(), heard.end(), [&](const auto& each) {
        return each.second.at(0) == static_cast<std::uint8_t>(type);
    }));
}

void HostilePeer::on_message(ports::Lane lane, ByteView message) {
    heard.emplace_back(lane, Bytes(message.begin(), message.end()));
}

}  // namespace tubes::simulation
