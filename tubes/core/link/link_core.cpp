// SPDX-License-Identifier: GPL-3.0-or-later
// The link towards its user and its mux, and its end.
#include "tubes/core/link/link_core.hpp"

#include "tubes/base/log.hpp"
#include "tubes/core/wire/errc.hpp"

namespace tubes::core {
namespace {

constexpr auto kLinger = std::chrono::seconds(1);         // a full path may take this long to take CLOSE
constexpr auto kProbeInterval = std::chrono::seconds(5);  // of the RTT, while data flows

class LinkShell final : public Link {
public:
    explicit LinkShell(std::shared_ptr<LinkCore> core) : core_(std::move(core)) {}
    ~LinkShell() override { core_->abandon(); }
    const LinkConfiguration& configuration() const override { return core_->configuration(); }
    LinkStatus status() const override { return core_->status(); }
    void add_path(std::unique_ptr<ports::MessagePath> path, std::uint32_t generation) override {
        core_->add_path(std::move(path), generation);
    }
    result<std::shared_ptr<Stream>> open_stream(const TubeId& tube) override { return core_->open_stream(tube); }
    void send_control(const ControlMessage& message) override { core_->send_control(message); }
    void ping(std::chrono::milliseconds deadline,
              std::function<void(result<std::chrono::microseconds>)> callback) override {
        core_->ping(deadline, std::move(callback));
    }
    void check_paths() override { core_->check_paths(); }
    void close(Errc reason) override { core_->close(reason); }

private:
    std::shared_ptr<LinkCore> core_;
};

}  // namespace

std::unique_ptr<Link> Link::make(LinkConfiguration configuration, ports::Scheduler& scheduler,
                                 const ports::Identity& identity, const ports::Crypto& crypto, Handler& handler) {
    return std::make_unique<LinkShell>(
        std::make_shared<LinkCore>(std::move(configuration), scheduler, identity, crypto, handler));
}

LinkCore::LinkCore(LinkConfiguration configuration, ports::Scheduler& scheduler, const ports::Identity& identity,
                   const ports::Crypto& crypto, Link::Handler& handler)
    : configuration_(std::move(configuration)),
      scheduler_(scheduler),
      identity_(identity),
      crypto_(crypto),
      handler_(&handler),
      mux_(*this, scheduler, configuration_.role, configuration_.limits) {
    mux_.control().set_handler(this);
}

std::unique_ptr<ports::Scheduler::Timer> LinkCore::call_later(TimePoint when, void (LinkCore::*method)()) {
    return scheduler_.call_at(when, [weak = weak_from_this(), method] {
        if (const auto self = weak.lock()) (self.get()->*method)();
    });
}

void LinkCore::post(void (LinkCore::*method)()) {
    scheduler_.post([weak = weak_from_this(), method] {
        if (const auto self = weak.lock()) (self.get()->*method)();
    });
}

LinkStatus LinkCore::status() const {
    LinkStatus status;
    if (closed_) {
        status.state = LinkState::closed;
    } else if (opened_) {
        status.state = active_ != nullptr ? LinkState::open : LinkState::stalled;
    }
    for (const auto& slot : slots_) {
        if (slot->state != PathSlot::State::proven) continue;
        status.paths.push_back(
            {slot->epoch, slot->generation(), slot.get() == active_, slot->path().info(), slot->path().metrics()});
    }
    if (rtt_) status.rtt = std::chrono::duration_cast<std::chrono::microseconds>(*rtt_);
    status.bytes_sent = mux_.bytes_sent();
    status.bytes_received = mux_.bytes_received();
    status.streams = mux_.stream_count();
    status.largest_datagram = mux_.largest_datagram();
    status.packet_datagram = mux_.packet_datagram();
    status.path_changes = path_changes_;
    status.suspect = active_ != nullptr && active_->suspect;
    return status;
}

result<std::shared_ptr<Stream>> LinkCore::open_stream(const TubeId& tube) {
    auto stream = mux_.open_stream(tube);
    if (!stream) return stream.error();
    return (*stream)->make_handle();
}

void LinkCore::send_control(const ControlMessage& message) {
    if (closed_) return;
    const auto bytes = wire::frame_control(message);
    const bool fits = bytes.size() <= wire::kMaxControlMessage;
    if (!fits || mux_.control().write(bytes) != bytes.size()) finish(Errc::limit_exceeded, true);
}

void LinkCore::ping(std::chrono::milliseconds deadline,
                    std::function<void(result<std::chrono::microseconds>)> callback) {
    if (closed_ || pings_.size() >= wire::kMaxPings) {
        const auto reason = make_error_code(closed_ ? Errc::broken : Errc::limit_exceeded);
        scheduler_.post([callback = std::move(callback), reason] { callback(reason); });
        return;
    }
    const auto token = next_token_++;
    auto timer = scheduler_.call_at(scheduler_.now() + deadline, [weak = weak_from_this(), token] {
        const auto self = weak.lock();
        if (!self) return;
        auto& pings = self->pings_;
        const auto found =
            std::find_if(pings.begin(), pings.end(), [&](const auto& each) { return each.token == token; });
        if (found == pings.end()) return;
        const auto ping = std::move(*found);
        pings.erase(found);
        ping.callback(make_error_code(Errc::timed_out));
    });
    pings_.push_back(Ping{token, scheduler_.now(), std::move(callback), std::move(timer)});
    wire::Frame frame;
    frame.type = wire::FrameType::ping;
    frame.value = token;
    if (active_ != nullptr) active_->queue(frame);  // else it is sent when a path comes
}

// --- the mux's side

bool LinkCore::send(const wire::Frame& stream_frame) {
    if (active_ == nullptr || closed_) return false;
    auto frame = stream_frame;
    frame.epoch = short_epoch();
    const bool is_datagram = frame.type == wire::FrameType::datagram;  // nobody holds one
    if (is_datagram) return send_datagram(frame);
    if (!is_initiator() || active_->confirmed) return active_->send(frame);
    // The responder holds what overtakes MOVE in other lanes, within bounds that both ends know.
    const auto size = wire::kAckHeader + frame.payload.size();
    if (active_->early_bytes + size > wire::kEarlyBytes || !active_->send(frame)) return false;
    active_->early_bytes += size;
    return true;
}

bool LinkCore::send_datagram(const wire::Frame& frame) {
    if (!active_->send(frame)) return false;
    if (!active_->unanswered_since) {
        active_->unanswered_since = scheduler_.now();
        arm_keepalive();
    }
    return true;
}

void LinkCore::on_work() {
    if (pump_scheduled_ || closed_) return;
    pump_scheduled_ = true;
    post(&LinkCore::pump);
}

void LinkCore::pump() {
    pump_scheduled_ = false;
    if (closed_ || active_ == nullptr || !active_->drain()) return;
    if (mux_.in_flight() > 0 && active_->probe == 0 && scheduler_.now() - active_->probe_time >= kProbeInterval) {
        probe(*active_);
    }
    mux_.pump();
    active_->flush();
}

void LinkCore::on_stream(std::shared_ptr<Stream> stream) {
    if (handler_ != nullptr) handler_->on_stream(std::move(stream));
}

void LinkCore::on_progress() {
    last_progress_ = scheduler_.now();
    if (active_ != nullptr) active_->has_answered();  // the path works both ways
}

void LinkCore::on_data(ByteView data) {
    auto messages = control_reader_.feed(data);
    mux_.control().consumed(data.size());
    if (!messages) return fail(messages.error());
    for (auto& message : *messages) {
        if (handler_ != nullptr && !closed_) handler_->on_control(std::move(message));
    }
}

// --- the end

void LinkCore::finish(error_code reason, bool tell_peer) {
    if (closed_) return;
    base::logger("link")->info("link {} closes: {}", configuration_.id.hex(), reason.message());
    closed_ = true;
    close_reason_ = reason;
    active_ = nullptr;
    keepalive_timer_.reset();
    review_timer_.reset();
    patience_timer_.reset();
    mux_.shutdown(reason);
    finish_pings(make_error_code(Errc::broken));
    wire::Frame frame;
    frame.type = wire::FrameType::close;
    frame.value = wire::errc_to_wire(reason);
    for (const auto& slot : slots_) {
        if (tell_peer && slot->state == PathSlot::State::proven) slot->queue(frame);
    }
    if (tell_peer) patience_timer_ = call_later(scheduler_.now() + kLinger, &LinkCore::abandon_paths);
    finish_when_told();
}

void LinkCore::abandon_paths() {
    for (const auto& slot : slots_) slot->discard_queue();
    finish_when_told();
}

// Paths that have taken CLOSE are closed; when none is left, the link is.
void LinkCore::finish_when_told() {
    for (auto& slot : slots_) {
        if (slot->state == PathSlot::State::proven && slot->queue_size() > 0) continue;
        slot->close();
        scheduler_.post([slot] {});  // it may be the one that is calling
    }
    std::erase_if(slots_, [](const auto& slot) { return slot->state == PathSlot::State::closed; });
    if (!slots_.empty()) return;
    patience_timer_.reset();
    post(&LinkCore::tell_closed);
}

void LinkCore::tell_closed() {
    if (auto* handler = std::exchange(handler_, nullptr)) handler->on_closed(close_reason_);
}

void LinkCore::finish_pings(error_code reason) {
    for (auto& ping : pings_) {
        ping.deadline.reset();
        scheduler_.post([callback = std::move(ping.callback), reason] { callback(reason); });
    }
    pings_.clear();
}

void LinkCore::abandon() {
    handler_ = nullptr;
    finish(Errc::broken, true);
    abandon_paths();
}

}  // namespace tubes::core
