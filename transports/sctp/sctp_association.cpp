// SPDX-License-Identifier: GPL-3.0-or-later
// Between usrsctp's events and the layers above and below.
#include "transports/sctp/sctp_association.hpp"

#include <boost/asio/post.hpp>

#include <utility>

#include "tubes/base/log.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;

/// Payload protocol identifiers of a WebRTC binary message, and of an empty one, which SCTP cannot carry: it travels as
/// one byte that is ignored (RFC 8831 §6.6, §8).
constexpr std::uint32_t kBinaryMessage = 53;
constexpr std::uint32_t kEmptyMessage = 57;
/// Packets held before open(): a peer's INIT, its repetitions, and some room.
constexpr std::size_t kMaxEarly = 32;
/// After this long without a packet or message, nothing is due soon: whatever still waits for the peer has been sent
/// again at least once, and that counted as activity.
constexpr auto kQuiet = 1s;
/// Tick of a quiet association: heartbeats and long retransmissions may be this late.
constexpr auto kSlowTick = 1s;
constexpr auto kTimeoutMargin = 100ms;
constexpr auto kTimeoutStep = 10ms;

}  // namespace

std::shared_ptr<SctpAssociation> SctpAssociation::create(boost::asio::any_io_executor executor,
                                                         std::shared_ptr<SctpStack> stack, DatagramPath& lower,
                                                         SctpSettings settings) {
    std::shared_ptr<SctpAssociation> created(
        new SctpAssociation(std::move(executor), std::move(stack), lower, settings));
    created->id_ = created->stack_->add(std::weak_ptr<SctpUser>(created), created->executor_);
    lower.set_handler(created.get());
    return created;
}

SctpAssociation::SctpAssociation(boost::asio::any_io_executor executor, std::shared_ptr<SctpStack> stack,
                                 DatagramPath& lower, SctpSettings settings)
    : executor_(std::move(executor)), stack_(std::move(stack)), lower_(lower), settings_(settings), timer_(executor_) {
    settings_.mtu = lower.mtu();
}

SctpAssociation::~SctpAssociation() {
    close();
}

template <class Body>
void SctpAssociation::enter(Context context, Body&& body) {
    std::unique_ptr<SctpEvents> events;
    if (spare_.empty()) {
        events = std::make_unique<SctpEvents>();
    } else {
        events = std::move(spare_.back());
        spare_.pop_back();
    }
    stack_->enter(id_, *events, [&] {
        body();
        read();
    });
    take_read(*events);
    handle(*events, context);
    events->clear();
    spare_.push_back(std::move(events));
}

void SctpAssociation::open(Handler& handler) {
    handler_ = &handler;
    error_code failure;
    enter(Context::call, [&] {
        auto opened = open_sctp_socket(id_, settings_);
        if (opened) socket_ = std::move(*opened);
        const auto connected = opened ? connect_sctp(*socket_, id_, settings_) : result<void>(opened.error());
        if (!connected) failure = connected.error();
    });
    lower_.flush();
    if (failure) {
        boost::asio::post(executor_, [weak = weak_from_this(), failure] {
            if (const auto self = weak.lock()) self->finish(failure);
        });
        return;
    }
    if (!early_.empty()) handle_later();
    arm_timer(SctpStack::kTick);
}

/// Of a foreign peer, whose socket has no callbacks for this; inside the stack.
void SctpAssociation::read() {
    if (!settings_.foreign || !socket_) return;
    if (!paused_ && read_sctp(*socket_, read_)) handle_later();
    if (window_.queued() > 0) queued_ = sctp_queued(*socket_);
}

void SctpAssociation::take_read(SctpEvents& events) {
    std::move(read_.begin(), read_.end(), std::back_inserter(events.inputs));
    read_.clear();
    const auto queued = std::exchange(queued_, std::nullopt);
    if (queued && *queued < window_.queued()) {
        events.free_space = static_cast<std::uint32_t>(sctp_send_buffer() - std::min(*queued, sctp_send_buffer()));
    }
}

void SctpAssociation::pause_reading(bool paused) {
    if (std::exchange(paused_, paused) && !paused && !closed_) handle_later();
}

void SctpAssociation::reset_stream(std::uint16_t stream) {
    if (closed_ || !socket_) return;
    enter(Context::call, [&] { reset_sctp_stream(*socket_, stream); });
    note_activity();
}

bool SctpAssociation::send(core::ports::Lane lane, ByteView header, ByteView payload) {
    const auto size = header.size() + payload.size();
    if (!has_room(size)) return false;
    scratch_.assign(header.begin(), header.end());
    scratch_.insert(scratch_.end(), payload.begin(), payload.end());
    const auto protocol = size == 0 ? kEmptyMessage : kBinaryMessage;
    if (size == 0) scratch_.push_back(0);
    const auto delivery = lane == core::ports::kDatagramLane ? SctpDelivery::once : SctpDelivery::reliable;
    return hand_over(lane, protocol, delivery, scratch_);
}

bool SctpAssociation::send_to_foreign(std::uint16_t stream, std::uint32_t protocol, ByteView message) {
    return has_room(message.size()) && hand_over(stream, protocol, SctpDelivery::reliable, message);
}

bool SctpAssociation::has_room(std::size_t size) {
    if (!open_ || closed_ || failed_) return false;
    if (window_.has_room(size)) return true;
    full_ = true;
    return false;
}

bool SctpAssociation::hand_over(std::uint16_t stream, std::uint32_t protocol, SctpDelivery delivery, ByteView message) {
    auto taken = SctpTaken::full;
    enter(Context::call, [&] { taken = send_sctp(*socket_, stream, protocol, delivery, message); });
    note_activity();
    if (taken == SctpTaken::yes) {
        window_.on_handed(message.size(), last_activity_);
        return true;
    }
    full_ = true;
    if (taken == SctpTaken::broken) {
        failed_ = true;
        handle_later();
    }
    return false;
}

void SctpAssociation::shutdown() {
    if (closed_ || !socket_) return;
    enter(Context::call, [&] { shutdown_sctp(*socket_); });
    lower_.flush();
    note_activity();
}

void SctpAssociation::close() {
    if (std::exchange(closed_, true)) return;
    handler_ = nullptr;
    timer_.cancel();
    SctpEvents last;
    stack_->enter(id_, last, [&] {
        if (!socket_) return;
        socket_.reset();
        forget_sctp_address(id_);
    });
    stack_->remove(id_);
    send_packets(last);
    lower_.flush();
    lower_.set_handler(nullptr);
    early_.clear();
    deferred_.clear();
}

void SctpAssociation::on_datagram(ByteView datagram) {
    const auto self = shared_from_this();
    if (closed_) return;
    if (!socket_ || !early_.empty()) {
        if (early_.size() < kMaxEarly) early_.emplace_back(datagram.begin(), datagram.end());
        return;
    }
    receive(datagram);
}

void SctpAssociation::receive(ByteView datagram) {
    bytes_received_ += datagram.size();
    if (settings_.foreign && !has_sctp_checksum(datagram)) return;  // RFC 9260 §6.8: discarded.
    enter(Context::event, [&] {
        receive_sctp(id_, datagram);
        if (window_.queued() > 0) congestion_window_ = sctp_congestion_window(*socket_).value_or(0);
    });
}

void SctpAssociation::on_sctp_events() {
    const auto self = shared_from_this();
    if (closed_ || !socket_) return;
    for (auto early = std::exchange(early_, {}); !early.empty() && !closed_; early.pop_front()) receive(early.front());
    if (!closed_) enter(Context::event, [] {});
    if (failed_ && !closed_) finish(make_error_code(Errc::broken));
}

void SctpAssociation::handle_later() {
    boost::asio::post(executor_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->on_sctp_events();
    });
}

void SctpAssociation::handle(SctpEvents& events, Context context) {
    if (!events.empty()) note_activity();
    send_packets(events);
    if (events.free_space) {
        const auto queued = sctp_send_buffer() - std::min<std::size_t>(*events.free_space, sctp_send_buffer());
        window_.on_acknowledged(queued, congestion_window_, last_activity_);
    }
    if (context == Context::call) {
        if (events.inputs.empty()) return;
        std::move(events.inputs.begin(), events.inputs.end(), std::back_inserter(deferred_));
        handle_later();
        return;
    }
    if (!deferred_.empty()) {
        auto deferred = std::exchange(deferred_, {});
        handle_inputs(deferred);
    }
    handle_inputs(events.inputs);
    if (closed_ || !full_ || failed_ || !window_.has_room(core::ports::kMaxMessageSize)) return;
    full_ = false;
    handler_->on_sctp_writable();
}

void SctpAssociation::send_packets(SctpEvents& events) {
    std::span<std::uint8_t> rest = events.packets;
    for (const auto size : events.packet_sizes) {
        if (settings_.foreign) set_sctp_checksum(rest.first(size));
        lower_.send(rest.first(size));
        rest = rest.subspan(size);
    }
}

void SctpAssociation::handle_inputs(std::vector<SctpInput>& inputs) {
    for (auto& input : inputs) {
        if (closed_) return;
        handle_input(input);
    }
}

void SctpAssociation::handle_input(SctpInput& input) {
    if (!input.data) return finish(make_error_code(open_ ? Errc::broken : Errc::no_path));
    if (input.notification) return handle_notification(input.view());
    if (settings_.foreign) return handler_->on_sctp_input(input);
    handle_message(input);
}

void SctpAssociation::handle_notification(ByteView notification) {
    for (const auto stream : read_sctp_resets(notification)) {
        if (!closed_) handler_->on_sctp_reset(stream);
    }
    if (closed_) return;
    switch (read_sctp_change(notification)) {
        case SctpChange::none: return;
        case SctpChange::up:
            if (!std::exchange(open_, true)) handler_->on_sctp_open();
            return;
        case SctpChange::lost: return finish(make_error_code(open_ ? Errc::broken : Errc::no_path));
        case SctpChange::refused: return finish(make_error_code(Errc::no_path));
        case SctpChange::finished: return finish(make_error_code(Errc::end_of_stream));
    }
}

void SctpAssociation::handle_message(const SctpInput& input) {
    const bool empty = input.protocol == kEmptyMessage && input.last && input.size == 1;
    const auto piece = empty ? ByteView{} : input.view();
    const bool known = input.stream <= core::ports::kDatagramLane && (input.protocol == kBinaryMessage || empty);
    const bool is_datagram = input.stream == core::ports::kDatagramLane;
    const auto before = known && !is_datagram ? partial_[input.stream].size() : 0;
    if (!known || before + piece.size() > core::ports::kMaxMessageSize) {
        base::logger("sctp")->warn("peer sent a message of {} bytes, protocol {}, on stream {}", piece.size(),
                                   input.protocol, input.stream);
        return finish(make_error_code(Errc::protocol_violation));
    }
    const auto lane = static_cast<core::ports::Lane>(input.stream);
    if (is_datagram) {
        // A piece may never be completed (RFC 3758 §3.6): only whole ones count.
        const bool is_whole = input.last && !cut_;
        cut_ = !input.last;
        if (is_whole) handler_->on_sctp_message(lane, piece);
        return;
    }
    auto& partial = partial_[lane];
    if (input.last && partial.empty()) return handler_->on_sctp_message(lane, piece);
    partial.insert(partial.end(), piece.begin(), piece.end());
    if (!input.last) return;
    const auto message = std::exchange(partial, {});
    handler_->on_sctp_message(lane, message);
}

void SctpAssociation::finish(error_code reason) {
    if (closed_) return;
    auto* handler = handler_;
    close();
    if (handler != nullptr) handler->on_sctp_closed(reason);
}

void SctpAssociation::note_activity() {
    last_activity_ = Clock::now();
    if (slow_ && !closed_) arm_timer(SctpStack::kTick);
}

/// A timeout close to the round trip mistakes every hiccup of 50 ms for loss, and the window collapses; as TCP does,
/// the margin is added to the round trip, not compared with it. Runs inside the stack.
void SctpAssociation::follow_round_trip() {
    const auto round_trip = window_.round_trip();
    if (!round_trip || !socket_) return;
    const auto wanted = std::chrono::ceil<std::chrono::milliseconds>(*round_trip) + kTimeoutMargin;
    if (std::chrono::abs(wanted - minimum_timeout_) < kTimeoutStep) return;
    minimum_timeout_ = wanted;
    set_sctp_minimum_timeout(*socket_, wanted);
}

void SctpAssociation::arm_timer(Clock::duration delay) {
    slow_ = delay > SctpStack::kTick;
    timer_.expires_after(delay);
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
        const auto self = weak.lock();
        if (error || !self || self->closed_) return;
        self->enter(Context::event, [&self] { self->follow_round_trip(); });
        self->lower_.flush();
        if (self->closed_) return;
        const bool quiet = Clock::now() - self->last_activity_ > kQuiet;
        self->arm_timer(quiet ? Clock::duration(kSlowTick) : Clock::duration(SctpStack::kTick));
    });
}

}  // namespace tubes::transports
