// SPDX-License-Identifier: GPL-3.0-or-later
// Conversions of addresses and candidates, and GLib's log.
#include "transports/ice/nice_bridge.hpp"

#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <mutex>

#include "tubes/base/log.hpp"

namespace tubes::transports {
namespace {

void write_log(const gchar* domain, GLogLevelFlags level, const gchar* message, gpointer /*context*/) {
    const auto log = base::logger("ice");
    const auto text = base::printable(message == nullptr ? "" : message);
    if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0) {
        log->error("{}: {}", domain == nullptr ? "glib" : domain, text);
    } else {
        log->info("{}: {}", domain == nullptr ? "glib" : domain, text);
    }
}

}  // namespace

void route_nice_log() {
    static std::once_flag once;
    std::call_once(once, [] {
        // Not the default handler: an application that uses GLib itself keeps its own.
        for (const auto* domain : {"libnice", "libnice-stun"}) {
            g_log_set_handler(domain, static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK | G_LOG_FLAG_RECURSION), &write_log,
                              nullptr);
        }
    });
}

bool to_nice_address(const boost::asio::ip::address& address, std::uint16_t port, NiceAddress& out) {
    nice_address_init(&out);
    if (nice_address_set_from_string(&out, address.to_string().c_str()) == FALSE) return false;
    nice_address_set_port(&out, port);
    return true;
}

std::string print_nice_address(const NiceAddress& address) {
    std::array<char, NICE_ADDRESS_STRING_LEN> text{};
    nice_address_to_string(&address, text.data());
    const auto port = std::to_string(nice_address_get_port(&address));
    const bool is_v6 = nice_address_ip_version(&address) == 6;
    return is_v6 ? "[" + std::string(text.data()) + "]:" + port : std::string(text.data()) + ":" + port;
}

IceCandidateType from_nice_type(NiceCandidateType type) noexcept {
    switch (type) {
        case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE: return IceCandidateType::server_reflexive;
        case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE: return IceCandidateType::peer_reflexive;
        case NICE_CANDIDATE_TYPE_RELAYED: return IceCandidateType::relayed;
        case NICE_CANDIDATE_TYPE_HOST: break;
    }
    return IceCandidateType::host;
}

std::optional<IceCandidate> from_nice_candidate(const NiceCandidate& candidate) {
    if (candidate.transport != NICE_CANDIDATE_TRANSPORT_UDP) return std::nullopt;
    std::array<char, NICE_ADDRESS_STRING_LEN> text{};
    nice_address_to_string(&candidate.addr, text.data());
    boost::system::error_code failure;
    auto address = boost::asio::ip::make_address(text.data(), failure);
    if (failure) return std::nullopt;
    return IceCandidate{from_nice_type(candidate.type), candidate.foundation, candidate.priority, address,
                        static_cast<std::uint16_t>(nice_address_get_port(&candidate.addr))};
}

NiceCandidatePtr to_nice_candidate(const IceCandidate& candidate, guint stream) {
    auto type = NICE_CANDIDATE_TYPE_HOST;
    switch (candidate.type) {
        case IceCandidateType::host: break;
        case IceCandidateType::server_reflexive: type = NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE; break;
        case IceCandidateType::peer_reflexive: type = NICE_CANDIDATE_TYPE_PEER_REFLEXIVE; break;
        case IceCandidateType::relayed: type = NICE_CANDIDATE_TYPE_RELAYED; break;
    }
    NiceCandidatePtr made(nice_candidate_new(type));
    if (!to_nice_address(candidate.address, candidate.port, made->addr)) return nullptr;
    made->base_addr = made->addr;
    made->stream_id = stream;
    made->component_id = 1;
    made->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    made->priority = candidate.priority;
    g_strlcpy(made->foundation, candidate.foundation.c_str(), NICE_CANDIDATE_MAX_FOUNDATION);
    return made;
}

std::optional<TakenPair> take_selected_socket(NiceAgent* agent, guint stream) {
    NiceCandidate* local = nullptr;
    NiceCandidate* remote = nullptr;
    if (nice_agent_get_selected_pair(agent, stream, 1, &local, &remote) == FALSE) return std::nullopt;
    const bool plain = local->transport == NICE_CANDIDATE_TRANSPORT_UDP && local->type != NICE_CANDIDATE_TYPE_RELAYED &&
                       remote->transport == NICE_CANDIDATE_TRANSPORT_UDP && remote->type != NICE_CANDIDATE_TYPE_RELAYED;
    if (!plain) return std::nullopt;
    TakenPair pair;
    nice_address_copy_to_sockaddr(&remote->addr, reinterpret_cast<sockaddr*>(&pair.peer));
    pair.peer_size = pair.peer.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    gboolean controlling = FALSE;
    g_object_get(agent, "controlling-mode", &controlling, nullptr);  // May have changed from what we asked for.
    pair.controlling = controlling != FALSE;
    auto* socket = nice_agent_get_selected_socket(agent, stream, 1);
    if (socket == nullptr) return std::nullopt;
    pair.socket = fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 3);
    g_object_unref(socket);
    if (pair.socket < 0) return std::nullopt;
    if (UdpBatch::prepare(pair.socket, pair.peer, pair.peer_size)) return pair;
    ::close(pair.socket);
    return std::nullopt;
}

}  // namespace tubes::transports
