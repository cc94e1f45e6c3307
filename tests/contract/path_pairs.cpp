// SPDX-License-Identifier: GPL-3.0-or-later
// How each message path under test is made.
#include "tests/contract/path_pairs.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/socket.h>

#include <stdexcept>

#include "tests/support/attempt_pair.hpp"
#include "transports/ice/ice_transport.hpp"
#include "transports/loopback/loopback_path.hpp"
#include "transports/streams/framed_path.hpp"
#include "transports/streams/socket_stream.hpp"
#include "transports/tls/tls_handshake.hpp"

namespace tubes::contract {

namespace {

using transports::FramedPath;
using transports::SocketStream;
using transports::TlsContext;
using transports::TlsHandshake;
using transports::TlsRole;
using transports::TlsStream;

constexpr std::size_t kGarbageBytes = 600;

/// Speaks on a path's socket behind its owner's back, while the owner has it open.
std::function<void()> intruder_on(int socket) {
    return [socket] {
        const std::string garbage(kGarbageBytes, '\xff');
        if (::send(socket, garbage.data(), garbage.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("send failed");
    };
}

PathPair make_loopback(boost::asio::io_context& loop) {
    auto [first, second] = transports::make_loopback_pair(loop.get_executor());
    return {std::move(first), std::move(second), nullptr, nullptr};
}

std::pair<SocketStream::Socket, SocketStream::Socket> connect_unix(boost::asio::io_context& loop) {
    boost::asio::local::stream_protocol::socket first(loop.get_executor());
    boost::asio::local::stream_protocol::socket second(loop.get_executor());
    boost::asio::local::connect_pair(first, second);
    return {std::move(first), std::move(second)};
}

std::pair<SocketStream::Socket, SocketStream::Socket> connect_tcp(boost::asio::io_context& loop) {
    using boost::asio::ip::tcp;
    tcp::acceptor acceptor(loop.get_executor(), {boost::asio::ip::address_v4::loopback(), 0});
    tcp::socket first(loop.get_executor());
    tcp::socket second(loop.get_executor());
    first.connect(acceptor.local_endpoint());
    acceptor.accept(second);
    transports::tune_tcp(first);
    transports::tune_tcp(second);
    return {std::move(first), std::move(second)};
}

PathPair make_unix(boost::asio::io_context& loop) {
    auto sockets = connect_unix(loop);
    const auto garbage = intruder_on(sockets.first.native_handle());
    const auto binding = core::Digest::random();
    const auto wrap = [&](SocketStream::Socket socket) {
        return std::make_unique<FramedPath>(loop.get_executor(), std::make_unique<SocketStream>(std::move(socket)),
                                            core::ports::PathInfo{PathKind::local, "", "", "test"}, binding);
    };
    return {wrap(std::move(sockets.first)), wrap(std::move(sockets.second)), garbage, nullptr};
}

PathPair make_tls(boost::asio::io_context& loop, std::pair<SocketStream::Socket, SocketStream::Socket> sockets) {
    const auto garbage = intruder_on(sockets.first.native_handle());
    const auto client = std::make_shared<TlsContext>();
    const auto server = std::make_shared<TlsContext>();
    client->expect_peer(server->certificate().fingerprint(), server->own_token());
    server->expect_peer(client->certificate().fingerprint(), client->own_token());

    PathPair pair;
    const auto open = [&](SocketStream::Socket socket, const std::shared_ptr<TlsContext>& context, TlsRole role,
                          std::unique_ptr<core::ports::MessagePath>& path) {
        auto stream = std::make_unique<TlsStream>(context, std::make_unique<SocketStream>(std::move(socket)), role);
        return std::make_unique<TlsHandshake>(
            loop.get_executor(), std::move(stream), [&](result<std::unique_ptr<TlsStream>> open_stream) {
                auto opened = std::move(open_stream).value();
                const auto binding = opened->channel_binding();
                const core::ports::PathInfo info{PathKind::direct_tls, "", "", opened->description()};
                path = std::make_unique<FramedPath>(loop.get_executor(), std::move(opened), info, binding);
            });
    };
    const auto first = open(std::move(sockets.first), client, TlsRole::client, pair.first);
    const auto second = open(std::move(sockets.second), server, TlsRole::server, pair.second);
    if (!run_until(loop, [&] { return pair.first && pair.second; })) throw std::runtime_error("no TLS handshake");
    pair.send_garbage_to_second = garbage;
    return pair;
}

PathPair make_ice(boost::asio::io_context& loop) {
    struct Surroundings {
        explicit Surroundings(boost::asio::io_context& context) : first(context), second(context) {}
        testing::AttemptSide first, second;
    };
    transports::AddressRules rules;
    rules.loopback = true;
    transports::IceTransport transport(loop.get_executor(), rules);
    auto sides = std::make_shared<Surroundings>(loop);
    sides->first.peer = &sides->second;
    sides->second.peer = &sides->first;
    for (auto* side : {&sides->first, &sides->second}) {
        core::ports::AttemptParameters parameters;
        parameters.role = side == &sides->first ? core::LinkRole::initiator : core::LinkRole::responder;
        side->start_path = false;
        side->attempt = transport.make_attempt(parameters);
        side->attempt->start(*side);
    }
    if (!run_until(loop, [&] { return sides->first.path && sides->second.path; }))
        throw std::runtime_error("no ICE path");
    return {std::move(sides->first.path), std::move(sides->second.path), nullptr, sides};
}

}  // namespace

std::vector<PathPairKind> path_pair_kinds() {
    return {
        {"Loopback", make_loopback},
        {"UnixSocket", make_unix},
        {"TlsOverTcp", [](boost::asio::io_context& loop) { return make_tls(loop, connect_tcp(loop)); }},
        {"TlsOverUnix", [](boost::asio::io_context& loop) { return make_tls(loop, connect_unix(loop)); }},
        {"Ice", make_ice},
    };
}

bool run_until(boost::asio::io_context& loop, const std::function<bool()>& done, std::chrono::seconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!done()) {
        loop.restart();
        if (loop.run_one_until(end) == 0 && std::chrono::steady_clock::now() >= end) return done();
    }
    return true;
}

}  // namespace tubes::contract
