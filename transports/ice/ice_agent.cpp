// SPDX-License-Identifier: GPL-3.0-or-later
// The agent's life: properties, gathering, signals, data.
#include "transports/ice/ice_agent.hpp"

#include <boost/asio/post.hpp>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "transports/ice/nice_bridge.hpp"
#include "tubes/base/log.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using core::ports::IceServer;

/// Content of a UDP datagram that fits IPv6's smallest MTU (1280) with its headers (48) and TURN's (4 + 28 spare).
constexpr std::size_t kMtu = 1200;
/// Datagrams kept while nobody listens: the peer's first flight may be here before our own pair is selected.
constexpr std::size_t kMaxEarly = 32;
/// Datagrams handed to libnice at once.
constexpr std::size_t kBatch = 48;
/// Datagrams taken in one turn of the loop.
constexpr std::size_t kMaxInTurn = 64;
/// Datagrams held while the network takes none.
constexpr std::size_t kMaxHeld = 256;
constexpr auto kRetry = 2ms;
constexpr auto kRetryWithoutRoute = 20ms;
/// How long the selection has to stand before the socket is taken over: the peer is there too by then, and uses the
/// same pair.
constexpr auto kSettle = 1s;
/// Pace of checks, Ta (RFC 8445 §14.2: at least 5 ms); libnice: 20.
constexpr guint kPacingMs = 5;
/// First wait for an answer to a check or to a STUN server, doubled each time (RFC 8489 §6.2.1: 500 ms).
constexpr guint kInitialTimeoutMs = 200;
constexpr std::size_t kMaxCandidates = 32;
/// Buffers of each UDP socket: a burst of a full send window; the kernel's own limit may be lower.
constexpr int kSocketBuffer = 2 * 1024 * 1024;

}  // namespace

/// libnice's callbacks. `context` is the bridge; the calls come from the context's dispatch, data aside also from
/// inside our own calls to libnice, so only data goes up directly.
struct IceSignals {
    static std::shared_ptr<IceAgent> owner(gpointer context) { return static_cast<NiceBridge*>(context)->owner.lock(); }

    static void new_candidate(NiceAgent* /*agent*/, NiceCandidate* candidate, gpointer context) {
        const auto self = owner(context);
        auto found = from_nice_candidate(*candidate);
        if (!self || !found || found->type == IceCandidateType::peer_reflexive) return;
        const bool relayed = found->type == IceCandidateType::relayed;
        if (!relayed && !self->rules_.may_reveal(found->address)) return;
        if (self->told_candidates_++ >= kMaxCandidates) return;
        self->tell_later([candidate = *found](IceAgent::Events& events) { events.on_ice_candidate(candidate); });
    }

    static void gathered(NiceAgent* /*agent*/, guint /*stream*/, gpointer context) {
        if (const auto self = owner(context)) {
            self->tell_later([](IceAgent::Events& events) { events.on_ice_gathered(); });
        }
    }

    static void selected(NiceAgent* /*agent*/, guint /*stream*/, guint /*component*/, NiceCandidate* /*local*/,
                         NiceCandidate* /*remote*/, gpointer context) {
        const auto self = owner(context);
        if (!self) return;
        self->take_over_later();
        self->tell_later([weak = std::weak_ptr(self)](IceAgent::Events& events) {
            const auto agent = weak.lock();
            const auto pair = agent ? agent->selected() : std::nullopt;
            if (pair) events.on_ice_selected(*pair);
        });
    }

    static void state(NiceAgent* /*agent*/, guint /*stream*/, guint /*component*/, guint state, gpointer context) {
        const auto self = owner(context);
        if (!self) return;
        base::logger("ice")->debug("component {}",
                                   nice_component_state_to_string(static_cast<NiceComponentState>(state)));
        if (state == NICE_COMPONENT_STATE_READY) self->take_over_later();
        if (state != NICE_COMPONENT_STATE_FAILED) return;
        self->tell_later([](IceAgent::Events& events) { events.on_ice_failed(); });
    }

    static void receive(NiceAgent* /*agent*/, guint /*stream*/, guint /*component*/, guint size, gchar* data,
                        gpointer context) {
        const auto self = owner(context);
        if (!self) return;
        self->count_in_turn();
        self->receive({reinterpret_cast<const std::uint8_t*>(data), size});
    }

    static void closed(GObject* /*agent*/, GAsyncResult* /*result*/, gpointer context) {
        const std::unique_ptr<std::weak_ptr<GlibLoop>> loop(static_cast<std::weak_ptr<GlibLoop>*>(context));
        if (const auto alive = loop->lock()) alive->stop();
    }
};

result<std::shared_ptr<IceAgent>> IceAgent::create(boost::asio::any_io_executor executor, bool controlling,
                                                   Events& events) {
    route_nice_log();
    std::shared_ptr<IceAgent> created(new IceAgent(std::move(executor), events));
    if (!created->start(controlling)) return make_error_code(Errc::internal);
    return created;
}

IceAgent::IceAgent(boost::asio::any_io_executor executor, Events& events)
    : executor_(std::move(executor)), events_(&events), retry_(executor_), settle_(executor_) {}

IceAgent::~IceAgent() {
    close();
}

bool IceAgent::start(bool controlling) {
    loop_ = GlibLoop::create(executor_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->end_turn();
    });
    if (!loop_) return false;
    auto bridge = std::make_shared<NiceBridge>();
    bridge_ = bridge.get();
    bridge->owner = weak_from_this();
    bridge->agent = nice_agent_new_full(
        loop_->context(), NICE_COMPATIBILITY_RFC5245,
        static_cast<NiceAgentOption>(NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_CONSENT_FRESHNESS));
    agent_ = bridge->agent;
    g_object_set(agent_, "controlling-mode", controlling ? TRUE : FALSE, "ice-tcp", FALSE, "upnp", FALSE,
                 "stun-pacing-timer", kPacingMs, "stun-initial-timeout", kInitialTimeoutMs, nullptr);
    g_signal_connect(agent_, "new-candidate-full", G_CALLBACK(&IceSignals::new_candidate), bridge.get());
    g_signal_connect(agent_, "candidate-gathering-done", G_CALLBACK(&IceSignals::gathered), bridge.get());
    g_signal_connect(agent_, "new-selected-pair-full", G_CALLBACK(&IceSignals::selected), bridge.get());
    g_signal_connect(agent_, "component-state-changed", G_CALLBACK(&IceSignals::state), bridge.get());
    stream_ = nice_agent_add_stream(agent_, 1);
    loop_->start(bridge);
    if (stream_ == 0) return false;
    attach();
    gchar* fragment = nullptr;
    gchar* password = nullptr;
    if (nice_agent_get_local_credentials(agent_, stream_, &fragment, &password) == FALSE) return false;
    credentials_ = {fragment, password};
    g_free(fragment);
    g_free(password);
    return true;
}

void IceAgent::configure(const IceAgentSettings& settings) {
    rules_ = settings.rules;
    batches_ = settings.batches;
    consent_ = settings.consent;
    if (rules_.policy == AddressPolicy::relay_only) g_object_set(agent_, "force-relay", TRUE, nullptr);
    const IceServerAddress* stun = nullptr;
    for (const auto& each : settings.servers) {
        if (each.server.scheme != IceServer::Scheme::stun) {
            add_relay(each);
        } else if (stun == nullptr || (each.address.is_v4() && !stun->address.is_v4())) {
            // libnice asks one; where there is IPv4, that is where a NAT is.
            stun = &each;
        }
    }
    if (stun == nullptr) return;
    g_object_set(agent_, "stun-server", stun->address.to_string().c_str(), "stun-server-port",
                 static_cast<guint>(stun->server.port), nullptr);
}

void IceAgent::add_relay(const IceServerAddress& relay) {
    const auto type =
        relay.server.scheme == IceServer::Scheme::turn_tcp ? NICE_RELAY_TYPE_TURN_TCP : NICE_RELAY_TYPE_TURN_UDP;
    // In this mode libnice's "TLS" is plain TCP: such servers were left out before.
    nice_agent_set_relay_info(agent_, stream_, 1, relay.address.to_string().c_str(), relay.server.port,
                              relay.server.username.c_str(), relay.server.password.c_str(), type);
}

result<void> IceAgent::gather(const IceAgentSettings& settings) {
    if (agent_ == nullptr) return make_error_code(Errc::cancelled);
    configure(settings);
    bool any = false;
    for (const auto& address : settings.local) {
        NiceAddress local;
        any = (to_nice_address(address, 0, local) && nice_agent_add_local_address(agent_, &local) != FALSE) || any;
    }
    // Without an address libnice would take all it finds.
    if (!any) return make_error_code(Errc::network_unreachable);
    if (nice_agent_gather_candidates(agent_, stream_) == FALSE) return make_error_code(Errc::network_unreachable);
    widen_buffers();
    return {};
}

void IceAgent::set_remote_credentials(const IceCredentials& credentials) {
    if (agent_ == nullptr) return;
    remote_credentials_ = credentials;
    nice_agent_set_remote_credentials(agent_, stream_, credentials.fragment.c_str(), credentials.password.c_str());
}

void IceAgent::add_remote_candidate(const IceCandidate& candidate) {
    if (agent_ == nullptr) return;
    const auto remote = to_nice_candidate(candidate, stream_);
    if (!remote) return;
    GSList one{remote.get(), nullptr};
    nice_agent_set_remote_candidates(agent_, stream_, 1, &one);
}

void IceAgent::remote_candidates_end() {
    if (agent_ != nullptr) nice_agent_peer_candidate_gathering_done(agent_, stream_);
}

std::optional<IcePair> IceAgent::selected() const {
    if (taken_pair_) return taken_pair_;
    NiceCandidate* local = nullptr;
    NiceCandidate* remote = nullptr;
    if (agent_ == nullptr || nice_agent_get_selected_pair(agent_, stream_, 1, &local, &remote) == FALSE)
        return std::nullopt;
    return IcePair{from_nice_type(local->type), from_nice_type(remote->type), print_nice_address(local->addr),
                   print_nice_address(remote->addr)};
}

template <class Tell>
void IceAgent::tell_later(Tell tell) {
    boost::asio::post(executor_, [weak = weak_from_this(), tell = std::move(tell)] {
        const auto self = weak.lock();
        if (self && self->events_ != nullptr) tell(*self->events_);
    });
}

void IceAgent::set_handler(Handler* handler) {
    handler_ = handler;
    if (handler == nullptr || early_.empty()) return;
    boost::asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        for (auto early = std::exchange(self->early_, {}); !early.empty(); early.pop_front())
            self->receive(early.front());
    });
}

void IceAgent::attach() {
    nice_agent_attach_recv(agent_, stream_, 1, loop_->context(), &IceSignals::receive, bridge_);
}

/// libnice reads a socket until it is empty, which at full speed is never, and starves the loop. It stops when its
/// callback is gone; end_turn() puts it back (a pointer under a lock: the context stays the same).
void IceAgent::count_in_turn() {
    if (++received_in_turn_ != kMaxInTurn || agent_ == nullptr) return;
    nice_agent_attach_recv(agent_, stream_, 1, loop_->context(), nullptr, nullptr);
}

void IceAgent::end_turn() {
    if (std::exchange(received_in_turn_, 0) >= kMaxInTurn && agent_ != nullptr) attach();
    flush();
}

void IceAgent::receive(ByteView datagram) {
    bytes_received_ += datagram.size();
    if (handler_ != nullptr) return handler_->on_datagram(datagram);
    if (early_.size() < kMaxEarly) early_.emplace_back(datagram.begin(), datagram.end());
}

std::size_t IceAgent::mtu() const {
    return kMtu;
}

void IceAgent::send(ByteView datagram) {
    if (!can_send() || datagram.size() > kMtu || batch_sizes_.size() >= kMaxHeld) return;
    batch_.insert(batch_.end(), datagram.begin(), datagram.end());
    batch_sizes_.push_back(static_cast<std::uint32_t>(datagram.size()));
    if (batch_sizes_.size() >= kBatch && !blocked_) return send_batch();
    if (std::exchange(flush_posted_, true)) return;
    boost::asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->flush_posted_ = false;
        self->flush();
    });
}

void IceAgent::flush() {
    if (!batch_sizes_.empty() && !blocked_ && can_send()) send_batch();
}

void IceAgent::send_batch() {
    while (!batch_sizes_.empty() && !blocked_) {
        const auto count = std::min(batch_sizes_.size(), kBatch);
        const auto answer = taken_ ? send_by_socket(count) : send_by_nice(count);
        const auto sent = answer > 0 ? static_cast<std::size_t>(answer) : 0;
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < sent; ++i) bytes += batch_sizes_[i];
        bytes_sent_ += bytes;
        batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(bytes));
        batch_sizes_.erase(batch_sizes_.begin(), batch_sizes_.begin() + static_cast<std::ptrdiff_t>(sent));
        // No room, or no route for a moment: what is held goes out when it comes back (SCTP would wait for its timer).
        if (sent < count) retry_later(answer < 0 ? kRetryWithoutRoute : kRetry);
    }
}

/// How many went out; -1 if there is no way just now.
std::ptrdiff_t IceAgent::send_by_nice(std::size_t count) {
    std::array<GOutputVector, kBatch> vectors;
    std::array<NiceOutputMessage, kBatch> messages;
    std::size_t offset = 0;
    for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {batch_.data() + offset, batch_sizes_[i]};
        messages[i] = {&vectors[i], 1};
        offset += batch_sizes_[i];
    }
    GError* failure = nullptr;
    auto answer = nice_agent_send_messages_nonblocking(agent_, stream_, 1, messages.data(), static_cast<guint>(count),
                                                       nullptr, &failure);
    if (failure != nullptr && g_error_matches(failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) != FALSE) answer = 0;
    if (failure != nullptr) g_error_free(failure);
    return answer;
}

std::ptrdiff_t IceAgent::send_by_socket(std::size_t count) {
    const auto sent = taken_->send(batch_, std::span(batch_sizes_).first(count));
    const bool no_way = sent.datagrams == 0 && sent.error != 0 && sent.error != EAGAIN && sent.error != ENOBUFS;
    return no_way ? -1 : static_cast<std::ptrdiff_t>(sent.datagrams);
}

void IceAgent::retry_later(std::chrono::milliseconds delay) {
    blocked_ = true;
    retry_.expires_after(delay);
    retry_.async_wait([weak = weak_from_this()](const error_code& error) {
        const auto self = weak.lock();
        if (error || !self) return;
        self->blocked_ = false;
        self->flush();
    });
}

void IceAgent::widen_buffers() {
    GPtrArray* sockets = agent_ == nullptr ? nullptr : nice_agent_get_sockets(agent_, stream_, 1);
    if (sockets == nullptr) return;
    for (guint i = 0; i < sockets->len; ++i) {
        auto* socket = static_cast<GSocket*>(g_ptr_array_index(sockets, i));
        g_socket_set_option(socket, SOL_SOCKET, SO_RCVBUF, kSocketBuffer, nullptr);
        g_socket_set_option(socket, SOL_SOCKET, SO_SNDBUF, kSocketBuffer, nullptr);
    }
    g_ptr_array_unref(sockets);
}

void IceAgent::take_over_later() {
    if (!batches_ || taken_ || agent_ == nullptr) return;
    settle_.expires_after(kSettle);
    settle_.async_wait([weak = weak_from_this()](const error_code& error) {
        const auto self = weak.lock();
        if (self && !error) self->take_over();
    });
}

void IceAgent::take_over() {
    if (agent_ == nullptr || nice_agent_get_component_state(agent_, stream_, 1) != NICE_COMPONENT_STATE_READY) return;
    flush();
    const auto nice_pair = selected();
    const auto pair = take_selected_socket(agent_, stream_);
    if (!pair) return;
    taken_pair_ = nice_pair;
    TakenOverSocket::Events& events = *this;
    taken_ = std::make_shared<TakenOverSocket>(executor_, *pair, credentials_, remote_credentials_, events, consent_);
    base::logger("ice")->debug("socket of {} to {} taken over", nice_pair->local, nice_pair->remote);
    nice_agent_remove_stream(agent_, stream_);
    release_agent();
    taken_->start();
}

void IceAgent::on_taken_consent_lost() {
    base::logger("ice")->debug("consent lost");
    tell_later([](IceAgent::Events& events) { events.on_ice_failed(); });
}

void IceAgent::close() {
    blocked_ = false;
    flush();
    events_ = nullptr;
    handler_ = nullptr;
    retry_.cancel();
    settle_.cancel();
    if (taken_) taken_->close();
    release_agent();
}

void IceAgent::release_agent() {
    auto* agent = std::exchange(agent_, nullptr);
    if (agent == nullptr) return;
    // Not from here: we may be inside libnice's own callback.
    boost::asio::post(executor_, [agent, loop = std::move(loop_)] {
        // The answer comes to the context that is the thread's default now.
        g_main_context_push_thread_default(loop->context());
        nice_agent_close_async(agent, &IceSignals::closed, new std::weak_ptr<GlibLoop>(loop));
        g_main_context_pop_thread_default(loop->context());
    });
}

}  // namespace tubes::transports
