// SPDX-License-Identifier: GPL-3.0-or-later
// A link from the inside: its paths, which of them carries the mux, and its end.
// Spec: docs/protocol.md, "Links" and "Paths".
#pragma once

#include "tubes/core/link/mux.hpp"
#include "tubes/core/link/path_slot.hpp"
#include "tubes/core/wire/control_codec.hpp"

namespace tubes::core {

/// Shared, so that a handler may destroy the Link that is calling it. Only Link and its own callbacks hold it.
class LinkCore final : public std::enable_shared_from_this<LinkCore>,
                       private Mux::Host,
                       private PathSlot::Owner,
                       private Stream::Handler {
public:
    LinkCore(LinkConfiguration configuration, ports::Scheduler& scheduler, const ports::Identity& identity,
             const ports::Crypto& crypto, Link::Handler& handler);

    const LinkConfiguration& configuration() const noexcept { return configuration_; }
    LinkStatus status() const;
    void add_path(std::unique_ptr<ports::MessagePath> path, std::uint32_t generation);
    result<std::shared_ptr<Stream>> open_stream(const TubeId& tube);
    void send_control(const ControlMessage& message);
    void ping(std::chrono::milliseconds deadline, std::function<void(result<std::chrono::microseconds>)> callback);
    void check_paths();
    void close(Errc reason) { finish(reason, true); }
    /// The Link is destroyed: tells the peer if that is possible at once, and calls the handler no more.
    void abandon();

private:
    struct Ping {
        std::uint64_t token;
        TimePoint sent;
        std::function<void(result<std::chrono::microseconds>)> callback;
        std::unique_ptr<ports::Scheduler::Timer> deadline;
    };
    struct KindHistory {
        TimePoint left{};     // when a path of this kind stopped carrying the link
        unsigned losses = 0;  // deaths in short succession
    };

    // link_core.cpp: the mux's side, and the end
    bool send(const wire::Frame& frame) override;
    void on_work() override;
    void on_stream(std::shared_ptr<Stream> stream) override;
    void on_progress() override;
    void on_data(ByteView data) override;
    void on_end() override {}
    void on_writable() override {}
    void on_closed(error_code) override {}
    void pump();
    void finish(error_code reason, bool tell_peer);
    void finish_when_told();
    void abandon_paths();
    void tell_closed();
    void fail(error_code reason) { finish(reason, true); }
    void finish_pings(error_code reason);

    // link_frames.cpp: what arrives
    void on_slot_message(PathSlot& slot, ports::Lane lane, ByteView message) override;
    void on_slot_writable(PathSlot& slot) override;
    void on_slot_closed(PathSlot& slot, error_code reason) override;
    void on_unproven(PathSlot& slot, ports::Lane lane, ByteView message, const wire::Frame& frame);
    void on_hello(PathSlot& slot, const wire::Frame& frame);
    void on_link_frame(PathSlot& slot, const wire::Frame& frame);
    void on_stream_frame(PathSlot& slot, ports::Lane lane, ByteView message, const wire::Frame& frame);
    void on_move(PathSlot& slot, std::uint64_t epoch);
    void on_moved(PathSlot& slot, std::uint64_t epoch);
    void on_pong(PathSlot& slot, std::uint64_t token);
    void replay_held(PathSlot& slot);

    // link_paths.cpp: which path, and whether it lives
    void refuse(PathSlot& slot, error_code reason);
    void lose(PathSlot& slot);
    std::shared_ptr<PathSlot> remove(PathSlot& slot);
    PathSlot* best_path() const noexcept;
    TimePoint damped_until(const PathSlot& slot) const;
    void review();
    void move_to(PathSlot& slot);
    void become_active(PathSlot& slot, std::uint32_t epoch);
    void ask_to_move(PathSlot& slot);
    void close_standby();
    void announce_change();
    void tell_change();
    void lose_patience();
    void probe(PathSlot& slot);
    void keep_alive();
    TimePoint probe_due(const PathSlot& slot) const;
    void suspect(PathSlot& slot);
    void arm_keepalive();
    void on_rtt(Duration sample);

    bool send_datagram(const wire::Frame& frame);
    bool is_initiator() const noexcept { return configuration_.role == LinkRole::initiator; }
    std::uint16_t short_epoch() const noexcept { return static_cast<std::uint16_t>(epoch_); }
    std::unique_ptr<ports::Scheduler::Timer> call_later(TimePoint when, void (LinkCore::*method)());
    void post(void (LinkCore::*method)());

    LinkConfiguration configuration_;
    ports::Scheduler& scheduler_;
    const ports::Identity& identity_;
    const ports::Crypto& crypto_;
    Link::Handler* handler_;
    Mux mux_;
    wire::ControlReader control_reader_;
    std::vector<std::shared_ptr<PathSlot>> slots_;
    PathSlot* active_ = nullptr;
    std::uint32_t epoch_ = 0;
    std::uint32_t path_changes_ = 0;
    bool peer_known_ = false;  // the first Hello has come
    bool opened_ = false;      // on_open was told
    bool closed_ = false;
    bool pump_scheduled_ = false;
    bool change_scheduled_ = false;
    error_code close_reason_;
    std::array<KindHistory, static_cast<std::size_t>(PathKind::in_band) + 1> history_{};
    std::optional<Duration> rtt_;
    TimePoint last_progress_{};
    std::uint64_t next_token_ = 1;
    std::vector<Ping> pings_;
    std::unique_ptr<ports::Scheduler::Timer> keepalive_timer_;
    std::unique_ptr<ports::Scheduler::Timer> review_timer_;
    std::unique_ptr<ports::Scheduler::Timer> patience_timer_;  // once closed: how long the peer is still told
};

}  // namespace tubes::core
