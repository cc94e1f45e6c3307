// SPDX-License-Identifier: GPL-3.0-or-later
// A link: the one secured session between two devices of two accounts. It outlives its paths.
// Spec: docs/protocol.md, "Links" and "Paths".
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tubes/core/link/control.hpp"
#include "tubes/core/link/stream.hpp"
#include "tubes/core/ports/crypto.hpp"
#include "tubes/core/ports/message_path.hpp"
#include "tubes/core/ports/scheduler.hpp"

namespace tubes::core {

/// Named limits of a link; each can be configured. docs/protocol.md, "Limits".
struct LinkLimits {
    std::size_t send_buffer = 8 * 1024 * 1024;         ///< Unacknowledged and unsent bytes, all streams together.
    std::size_t stream_send_buffer = 4 * 1024 * 1024;  ///< The same for one stream; bounds what a path change resends.
    std::size_t receive_buffer = 16 * 1024 * 1024;     ///< Credit granted to the peer, all streams together.
    std::size_t stream_window = 4 * 1024 * 1024;       ///< Largest credit of one stream.
    std::size_t minimum_window = 8 * 1024;             ///< Every open stream is granted this much, always.
    std::uint32_t streams = 16 * 1024;                 ///< Streams open at once that the peer began.
    std::size_t control_queue = 256 * 1024;            ///< Bytes of control messages waiting; then the link closes.
    std::chrono::milliseconds proof_deadline{5000};    ///< A path must prove its identity within this.
    std::chrono::milliseconds patience{600000};        ///< How long a link waits without any path before it breaks.
    std::chrono::milliseconds keepalive{15000};        ///< A silent path is probed after this ...
    std::chrono::milliseconds dead_after{10000};       ///< ... and given up when the probe is not answered for this.
    std::chrono::milliseconds progress{2000};          ///< Data that nobody acknowledges: probed after this.
    std::chrono::milliseconds suspect_after{2000};     ///< An unanswered probe makes the path in use suspect.
    std::chrono::milliseconds check_deadline{2500};    ///< The same as dead_after once the network has changed.
    std::chrono::milliseconds damping{2000};           ///< A path that was left is not returned to before this.
};

struct LinkConfiguration {
    LinkId id;
    LinkRole role = LinkRole::initiator;
    ContactAddress self;
    ContactAddress peer;
    PublicKey peer_key;  ///< As announced in signaling; the proof must be made with it.
    LinkLimits limits;
};

enum class LinkState : std::uint8_t {
    connecting,  ///< No path has proved itself yet.
    open,        ///< A path carries data.
    stalled,     ///< Had a path, has none: data waits, restart wanted.
    closed,      ///< Over.
};

/// One path of a link, as status shows it.
struct PathStatus {
    std::uint32_t epoch = 0;
    std::uint32_t generation = 0;  ///< Of the negotiation that brought it.
    bool active = false;           ///< Carries data now.
    ports::PathInfo info;
    ports::PathMetrics metrics;
};

struct LinkStatus {
    LinkState state = LinkState::connecting;
    std::vector<PathStatus> paths;
    std::optional<std::chrono::microseconds> rtt;  ///< Smoothed, of the link's own probes on the active path.
    std::uint64_t bytes_sent = 0;                  ///< Stream payload, without repeats.
    std::uint64_t bytes_received = 0;
    std::size_t streams = 0;
    std::size_t largest_datagram = 0;  ///< Content in bytes; 0: the peer's version has no datagrams.
    std::size_t packet_datagram = 0;   ///< Up to this, one packet of the network carries it.
    std::uint32_t path_changes = 0;
    bool suspect = false;  ///< The path in use does not answer; it is not given up yet.
};

/// See the head of the file. Frames, acknowledgement, credit, epochs, the identity proof on every path, the choice
/// of the path: all in here. Lives on one loop; the scheduler, identity and crypto outlive it.
class Link {
public:
    /// Told on the loop, never inside a call to the link.
    class Handler {
    public:
        /// A path proved the peer's identity and carries data, for the first time: the link is open.
        virtual void on_open() = 0;
        /// The peer opened a stream in `tube`. Reset it if that tube is not open.
        virtual void on_stream(std::shared_ptr<Stream> stream) = 0;
        virtual void on_control(ControlMessage message) = 0;
        /// Another path carries data, none does (stalled: negotiate new ones), or the one in use has become suspect.
        virtual void on_path_change(const LinkStatus& status) = 0;
        /// A path failed its proof (identity_mismatch, protocol_violation, timed_out); the link itself goes on.
        virtual void on_path_refused(PathKind kind, error_code reason) = 0;
        /// The link is over: all streams have got on_closed before. Exactly once, last.
        virtual void on_closed(error_code reason) = 0;

    protected:
        ~Handler() = default;
    };

    static std::unique_ptr<Link> make(LinkConfiguration configuration, ports::Scheduler& scheduler,
                                      const ports::Identity& identity, const ports::Crypto& crypto, Handler& handler);
    virtual ~Link() = default;

    virtual const LinkConfiguration& configuration() const = 0;
    virtual LinkStatus status() const = 0;

    /// Adds a path. It proves itself first; then the initiator moves the link to it if it is better (PathKind
    /// order, then newer generation) or the only one.
    virtual void add_path(std::unique_ptr<ports::MessagePath> path, std::uint32_t generation) = 0;

    /// Opens a stream; frames wait while the link has no path. limit_exceeded, broken.
    virtual result<std::shared_ptr<Stream>> open_stream(const TubeId& tube) = 0;

    /// Queues a control message; delivered in order, exactly once, across path changes. limit_exceeded closes the
    /// link.
    virtual void send_control(const ControlMessage& message) = 0;

    /// Measures the round trip over the active path; Errc::timed_out, Errc::broken.
    virtual void ping(std::chrono::milliseconds deadline,
                      std::function<void(result<std::chrono::microseconds>)> callback) = 0;

    /// The machine's network changed, or it slept: every path has to answer a probe within check_deadline.
    virtual void check_paths() = 0;

    /// Tells the peer on the active path, ends all streams with `reason`, then on_closed. Idempotent.
    virtual void close(Errc reason) = 0;
};

}  // namespace tubes::core
