// SPDX-License-Identifier: GPL-3.0-or-later
// Between libnice's C types and ours, and the owner of one NiceAgent.
#pragma once

#include <nice/agent.h>

#include <memory>
#include <optional>

#include "transports/ice/ice_agent.hpp"
#include "transports/ice/taken_over_socket.hpp"

namespace tubes::transports {

/// The NiceAgent with what its callbacks find their way back by. Lives in a GlibLoop, and longer than the IceAgent: it
/// takes libnice a while to free relays.
struct NiceBridge {
    NiceAgent* agent = nullptr;
    std::weak_ptr<IceAgent> owner;

    NiceBridge() = default;
    NiceBridge(const NiceBridge&) = delete;
    NiceBridge& operator=(const NiceBridge&) = delete;
    ~NiceBridge() {
        if (agent != nullptr) g_object_unref(agent);
    }
};

/// Sends libnice's warnings to our log (area "ice"). Once a process; GLib's handlers are process-wide.
void route_nice_log();

/// True if `out` could be filled.
bool to_nice_address(const boost::asio::ip::address& address, std::uint16_t port, NiceAddress& out);
std::optional<IceCandidate> from_nice_candidate(const NiceCandidate& candidate);
std::string print_nice_address(const NiceAddress& address);
IceCandidateType from_nice_type(NiceCandidateType type) noexcept;

struct NiceCandidateFree {
    void operator()(NiceCandidate* candidate) const noexcept { nice_candidate_free(candidate); }
};
using NiceCandidatePtr = std::unique_ptr<NiceCandidate, NiceCandidateFree>;

/// A descriptor of our own for the selected pair's socket, prepared for batches. Nothing, and nothing changed, if the
/// pair is no plain UDP, or the system has no offload. The agent must not read afterwards.
std::optional<TakenPair> take_selected_socket(NiceAgent* agent, guint stream);

/// Null if the address is none.
NiceCandidatePtr to_nice_candidate(const IceCandidate& candidate, guint stream);

}  // namespace tubes::transports
