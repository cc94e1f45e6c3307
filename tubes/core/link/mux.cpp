// SPDX-License-Identifier: GPL-3.0-or-later
// Stream table, scheduling and resumption.
#include "tubes/core/link/mux.hpp"

#include <algorithm>

#include "tubes/core/wire/errc.hpp"

namespace tubes::core {
namespace {

constexpr std::ptrdiff_t kQuantum = 16 * 1024;             // bytes a stream sends before the next one's turn
constexpr std::size_t kInteractive = 4 * 1024;             // bytes; a stream that wakes with no more goes first
constexpr std::size_t kSlice = 1024 * 1024;                // bytes sent before the loop may do something else
constexpr std::size_t kLargestInitialWindow = 256 * 1024;  // bytes; of a stream on a link with little to do
constexpr auto kAckDelay = std::chrono::milliseconds(25);
constexpr auto kUnknownRtt = std::chrono::milliseconds(100);
constexpr std::size_t kGoneSlack = 1024;  // ids, beyond two per stream

error_code violation() noexcept {
    return make_error_code(Errc::protocol_violation);
}

}  // namespace

Mux::Mux(Host& host, ports::Scheduler& scheduler, LinkRole role, const LinkLimits& limits)
    : host_(host),
      scheduler_(scheduler),
      role_(role),
      limits_(limits),
      send_pool_(limits.send_buffer),
      receive_pool_(limits.receive_buffer),
      rtt_(kUnknownRtt),
      next_id_(role == LinkRole::initiator ? 1 : 2),
      peer_stream_limit_(limits.streams) {
    const ReceiveSide receive(wire::kControlWindow, wire::kControlWindow, wire::kControlWindow);
    control_ = std::make_shared<StreamImpl>(*this, 0, TubeId{}, false, receive);
    control_->allow(wire::kControlWindow);
    table_.emplace(0, control_);
}

void Mux::set_peer_limits(std::uint32_t initial_window, std::uint32_t stream_limit) {
    peer_window_ = initial_window;
    peer_stream_limit_ = stream_limit;
    for (const auto& [id, stream] : table_) {
        if (id != 0) stream->allow(initial_window);
    }
}

// A stream starts with a part of what is left of half the pool: quick for few streams, modest for many.
ReceiveSide Mux::make_receive_side() const {
    const auto half = receive_pool_.limit() / 2;
    const auto left = half - std::min(half, receive_pool_.used());
    const auto window =
        std::clamp(left / 64, limits_.minimum_window,
                   std::max(limits_.minimum_window, std::min(kLargestInitialWindow, limits_.stream_window)));
    return ReceiveSide(limits_.minimum_window, window, limits_.stream_window);
}

result<std::shared_ptr<StreamImpl>> Mux::open_stream(const TubeId& tube) {
    if (closed_) return make_error_code(Errc::broken);
    if (ours_ >= peer_stream_limit_ || next_id_ > 0xfffffff0U) return make_error_code(Errc::limit_exceeded);
    const auto id = next_id_;
    next_id_ += 2;
    auto stream = std::make_shared<StreamImpl>(*this, id, tube, true, make_receive_side());
    table_.emplace(id, stream);
    ++ours_;
    stream->allow(peer_window_);
    stream->request_ack();  // grants more than the initial window
    return stream;
}

result<void> Mux::receive(const wire::Frame& frame) {
    if (frame.type == wire::FrameType::datagram) return receive_datagram(frame);
    const auto found = table_.find(frame.stream);
    if (found == table_.end()) return receive_unknown(frame);
    const auto stream = found->second;
    switch (frame.type) {
        case wire::FrameType::open: return stream->on_repeated_open(frame.payload);
        case wire::FrameType::data: return stream->on_data(frame);
        case wire::FrameType::ack: return receive_ack(*stream, frame);
        case wire::FrameType::reset: stream->on_reset(wire::errc_from_wire(frame.value)); return {};
        case wire::FrameType::gone: stream->on_gone(); return {};
        default: return violation();
    }
}

// One whose flow is not known has overtaken its OPEN, or comes too late: lost, as datagrams may be.
result<void> Mux::receive_datagram(const wire::Frame& frame) {
    if (!has_datagrams_) return violation();
    const auto found = table_.find(frame.stream);
    if (found == table_.end()) return {};
    const auto flow = found->second;
    flow->on_datagram(frame);
    return {};
}

result<void> Mux::receive_ack(StreamImpl& stream, const wire::Frame& frame) {
    const auto before = in_flight_;
    auto done = stream.on_ack(frame);
    if (in_flight_ < before) host_.on_progress();
    return done;
}

// Closed streams are forgotten at once; ids say which they are: our own up to the last we used, the peer's up to the
// highest it opened in the same lane, since within a lane ids only grow.
result<void> Mux::receive_unknown(const wire::Frame& frame) {
    const auto id = frame.stream;
    const bool was_open = is_ours(id) ? id < next_id_ : id <= opened_[wire::lane_of(id)];
    if (!was_open) {
        if (is_ours(id) || frame.type != wire::FrameType::open) return violation();
        return accept(frame);
    }
    if (frame.type == wire::FrameType::ack || frame.type == wire::FrameType::gone) return {};
    if (gone_.size() >= 2 * static_cast<std::size_t>(limits_.streams) + kGoneSlack) {
        return make_error_code(Errc::limit_exceeded);
    }
    reply_gone(id);
    return {};
}

result<void> Mux::accept(const wire::Frame& frame) {
    // Twice the limit: an OPEN may overtake the end of another stream in another lane.
    if (theirs_ >= 2 * static_cast<std::uint64_t>(limits_.streams)) return make_error_code(Errc::limit_exceeded);
    const auto id = frame.stream;
    const auto tube = TubeId::from_bytes(frame.payload);
    if (!tube) return tube.error();
    opened_[wire::lane_of(id)] = id;
    auto stream = std::make_shared<StreamImpl>(*this, id, *tube, false, make_receive_side());
    table_.emplace(id, stream);
    ++theirs_;
    stream->allow(peer_window_);
    stream->request_ack();
    host_.on_stream(stream->make_handle());
    return {};
}

// --- lists

void Mux::activate(StreamImpl& stream) {
    if (closed_ || stream.DataHook::is_linked()) return;
    stream.deficit = kQuantum;
    if (stream.id() == 0) {
        urgent_.push_front(stream);
    } else if (stream.backlog() <= kInteractive) {
        urgent_.push_back(stream);
    } else {
        bulk_.push_back(stream);
    }
    host_.on_work();
}

void Mux::activate_flow(StreamImpl& stream) {
    if (closed_) return;
    if (!stream.FlowHook::is_linked()) flows_.push_back(stream);
    // A flood harms itself: its own oldest go. For a flow that has just this one waiting, the next in turn gives.
    while (waiting_ > wire::kDatagramQueue) {
        auto& victim = stream.has_several_datagrams() ? stream : flows_.front();
        victim.drop_datagram();
        if (!victim.has_datagrams()) victim.FlowHook::unlink();
    }
    host_.on_work();
}

void Mux::count_waiting(std::ptrdiff_t change) {
    waiting_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(waiting_) + change);
}

std::size_t Mux::packet_datagram() const {
    return std::min(largest_datagram(), packet_size_ - std::min(packet_size_, wire::kDataHeader));
}

void Mux::notify_soon(StreamImpl& stream) {
    if (closed_) return;
    stream.NoticeHook::unlink();
    notices_.push_back(stream);
    host_.on_work();
}

void Mux::acknowledge_later(StreamImpl& stream) {
    if (closed_ || stream.NoticeHook::is_linked()) return;
    later_.push_back(stream);
    if (ack_timer_armed_) return;
    ack_timer_armed_ = true;
    ack_timer_ = scheduler_.call_at(scheduler_.now() + kAckDelay, [this] {
        ack_timer_armed_ = false;
        notices_.splice(notices_.end(), later_);
        host_.on_work();
    });
}

void Mux::reply_gone(std::uint32_t stream) {
    if (closed_) return;
    gone_.insert(stream);
    host_.on_work();
}

void Mux::forget(StreamImpl& stream) {
    stream.NoticeHook::unlink();
    if (table_.erase(stream.id()) == 0) return;
    --(is_ours(stream.id()) ? ours_ : theirs_);
}

void Mux::count_in_flight(std::ptrdiff_t change) {
    in_flight_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(in_flight_) + change);
}

// --- sending

void Mux::pump() {
    if (closed_) return;
    slice_ = 0;
    if (!send_notices() || !send_gone()) return;
    for (;;) {
        auto* stream = next_sender();
        const bool is_datagram = !flows_.empty() && (datagram_turn_ > 0 || stream == nullptr);
        if (!is_datagram && stream == nullptr) return;
        if (slice_ >= kSlice) return host_.on_work();
        if (is_datagram) {
            if (!send_datagram()) return;
            continue;
        }
        const auto before = slice_;
        const bool has_room = send_from(*stream);
        if (slice_ > before) datagram_turn_ = wire::kDatagramTurn;
        if (!has_room) return;
    }
}

// Datagrams wait for nobody, but when they have had their turn a stream that waits has one, too.
bool Mux::send_datagram() {
    auto& flow = flows_.front();
    const auto size = flow.next_datagram(host_);
    if (size == 0) return false;
    slice_ += size;
    datagram_turn_ -= static_cast<std::ptrdiff_t>(size);
    flow.FlowHook::unlink();
    if (flow.has_datagrams()) flows_.push_back(flow);
    return true;
}

bool Mux::send_notices() {
    while (!notices_.empty()) {
        const auto stream = notices_.front().shared_from_this();
        if (!stream->send_notices(host_)) return false;
    }
    return true;
}

bool Mux::send_gone() {
    while (!gone_.empty()) {
        wire::Frame frame;
        frame.type = wire::FrameType::gone;
        frame.stream = *gone_.begin();
        if (!host_.send(frame)) return false;
        gone_.erase(gone_.begin());
    }
    return true;
}

StreamImpl* Mux::next_sender() noexcept {
    if (!urgent_.empty()) return &urgent_.front();
    return bulk_.empty() ? nullptr : &bulk_.front();
}

// Deficit round robin (Shreedhar and Varghese, 1996) with a list of new flows in front, as in RFC 8290 §4.2.
bool Mux::send_from(StreamImpl& stream) {
    if (stream.NoticeHook::is_linked() && !stream.send_notices(host_)) return false;  // the ACK rides along
    while (stream.has_data()) {
        if (stream.deficit <= 0 && stream.id() != 0) {
            stream.deficit += kQuantum;
            stream.DataHook::unlink();
            bulk_.push_back(stream);
            return true;
        }
        const auto size = stream.send_data(host_);
        if (size == 0) return false;
        stream.deficit -= static_cast<std::ptrdiff_t>(size);
        slice_ += size;
    }
    stream.DataHook::unlink();
    return true;
}

void Mux::resume() {
    notices_.clear();
    later_.clear();
    std::vector<StreamImpl*> opens;
    for (const auto& [id, stream] : table_) {
        if (!stream->rewind()) continue;
        if (stream->needs_open()) {
            opens.push_back(stream.get());
        } else {
            notices_.push_back(*stream);
        }
    }
    // Within a lane ids must grow: see receive_unknown().
    std::sort(opens.begin(), opens.end(), [](const auto* a, const auto* b) { return a->id() < b->id(); });
    for (auto* stream : opens) notices_.push_back(*stream);
    for (const auto& [id, stream] : table_) {
        if (stream->has_data()) activate(*stream);
    }
    host_.on_work();
}

void Mux::shutdown(error_code reason) {
    if (closed_) return;
    closed_ = true;
    ack_timer_.reset();
    const auto streams = std::move(table_);
    table_.clear();
    for (const auto& [id, stream] : streams) stream->detach(reason);
}

}  // namespace tubes::core
