// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions and their sequence; stanzas are handled in client_stanzas.cpp.
#include "presence/xmpp/client.hpp"

#include <boost/asio/post.hpp>
#include <cstring>

#include "presence/xmpp/namespaces.hpp"
#include "tubes/base/bytes.hpp"
#include "tubes/base/clock.hpp"
#include "tubes/base/log.hpp"

namespace tubes::presence::xmpp {

using core::ports::ConnectionState;

namespace {

/// A wait between half of `longest` and `longest`: clients of a server that restarts do not come all at once.
std::chrono::milliseconds shorten_randomly(std::chrono::milliseconds longest) {
    std::array<std::uint8_t, 4> bytes{};
    base::fill_random(bytes);
    std::uint32_t random = 0;
    std::memcpy(&random, bytes.data(), sizeof random);
    const auto half = static_cast<std::uint32_t>(longest.count() / 2);
    return std::chrono::milliseconds(longest.count() - random % (half + 1));
}

std::string random_resource() {
    std::array<std::uint8_t, 6> bytes{};
    base::fill_random(bytes);
    return "tube-" + base::to_hex(bytes);
}

}  // namespace

Client::Client(boost::asio::any_io_executor executor, XmppConfiguration configuration, Checked checked)
    : executor_(executor),
      configuration_(std::move(configuration)),
      checked_(std::move(checked)),
      retry_(executor),
      requests_(executor, [this](const std::string& stanza) { session_->send_text(stanza); }),
      capabilities_([this](const Jid& peer, const std::string& node,
                           auto callback) { ask_capabilities(peer, node, std::move(callback)); },
                    [this](const Jid& peer, bool speaks_tubes, const std::string& client) {
                        roster_.set_capabilities(peer, speaks_tubes, client);
                        tell_contacts();
                    }),
      services_(
          [this](auto callback) {
              auto iq = make_stanza("iq", "get", checked_.account.domain(), "");
              add_element(*iq, "services", kExternalServicesNamespace);
              requests_.ask(std::move(iq), {configuration_.timings.request, Requests::OnLoss::fail},
                            guarded([callback](const Element* answer) {
                                callback(answer ? child(*answer, "services", kExternalServicesNamespace) : nullptr);
                            }));
          },
          [] { return base::boot_time(); }),
      muc_(rooms_outside()),
      room_check_(executor),
      signals_(std::make_shared<SignalService>(
          requests_, roster_, configuration_.priority,
          [this](core::ports::SignalOrigin origin, core::Signal signal, Connection::Responder respond) {
              notify([origin, signal, respond](Connection::Handler& handler) {
                  handler.on_signal(origin, signal, respond);
              });
          },
          [this](const std::string& stanza) { answer(stanza); },
          [this](const Jid& from) {
              return SignalService::RoomSender{muc_.owns(from), muc_.origin_of(from)};
          })),
      in_band_(
          std::make_shared<InBandService>(executor, requests_, [this](const std::string& stanza) { answer(stanza); })),
      relays_(requests_, checked_.account.domain(), configuration_.timings.request) {
    if (checked_.resource.empty()) checked_.resource = random_resource();
    self_ = *checked_.account.with_resource(checked_.resource);
    signals_->deliver_web(
        [this](core::ports::SignalOrigin origin, core::ports::WebSignal signal, Connection::Responder respond) {
            notify([origin, signal, respond](Connection::Handler& handler) {
                handler.on_web_signal(origin, signal, respond);
            });
        });
}

void Client::start(Connection::Handler& handler) {
    if (handler_ || closing_) return;
    handler_ = &handler;
    set_state(ConnectionState::connecting, {}, "");
    connect();
}

SessionOptions Client::session_options() const {
    SessionOptions options;
    options.plan.domain = checked_.ascii_domain;
    options.plan.dns_servers = configuration_.dns_servers;
    options.plan.proxy = configuration_.proxy;
    options.plan.timeout = configuration_.timings.connect;
    if (!configuration_.host.empty()) {
        const std::uint16_t usual = configuration_.direct_tls ? 5223 : 5222;
        const std::uint16_t port = configuration_.port != 0 ? configuration_.port : usual;
        options.plan.explicit_target = Target{configuration_.host, port, configuration_.direct_tls};
    }
    options.tls = {checked_.ascii_domain, configuration_.ca_file, checked_.pinned, false};
    options.negotiation = {checked_.account, checked_.resource, configuration_.allow_plain,
                           configuration_.remembered_mechanism, false};
    options.password = configuration_.password;
    options.login_timeout = configuration_.timings.login;
    options.keepalive_interval = configuration_.timings.keepalive_interval;
    options.keepalive_timeout = configuration_.timings.keepalive_timeout;
    return options;
}

void Client::connect() {
    Session::Handler& handler = *this;
    session_ = std::make_shared<Session>(executor_, session_options(), management_, handler);
    session_->start();
}

void Client::close() {
    if (closing_) return;
    closing_ = true;
    retry_.cancel();
    if (session_) return session_->close(configuration_.timings.logout);
    post([this] { go_offline({}, ""); });
}

void Client::network_changed() {
    if (closing_ || !handler_) return;
    failures_ = 0;
    if (session_ && session_->is_ready()) {
        hurried_ = true;
        return session_->check_alive(configuration_.timings.check);
    }
    if (state_ == ConnectionState::offline) return;
    // What is under way was begun on another network.
    if (session_) session_->abort();
    post([old = std::move(session_)] {});
    session_.reset();
    reconnect_after(std::chrono::milliseconds(0));
}

void Client::abandon() {
    handler_ = nullptr;
    closing_ = true;
    retry_.cancel();
    room_check_.cancel();
    requests_.on_stream_lost();
    in_band_->fail_all();
    if (session_) session_->abort();
    session_.reset();
}

void Client::on_session_ready(const NegotiationOutcome& outcome) {
    server_ = session_->server();
    security_ = session_->security();
    online_since_ = std::chrono::steady_clock::now();
    hurried_ = false;
    remember_mechanism(outcome.strongest);
    if (outcome.resumed) return on_resumed();
    on_new_stream(outcome);
}

void Client::remember_mechanism(const std::string& strongest) {
    if (strongest.empty() || strongest == configuration_.remembered_mechanism) return;
    configuration_.remembered_mechanism = strongest;
    if (!configuration_.on_mechanism) return;
    post([this, strongest] { configuration_.on_mechanism(strongest); });
}

void Client::on_resumed() {
    session_->resend_unacknowledged();
    requests_.on_stream(true);
    flush_answers();
    set_state(ConnectionState::online, {}, "");
}

void Client::on_new_stream(const NegotiationOutcome& outcome) {
    self_ = outcome.bound;
    features_ = outcome.features;
    requests_.set_self(self_);
    roster_.on_new_stream(self_);
    capabilities_.on_new_stream();
    muc_.on_stream_lost();
    subscription_requests_.clear();
    in_band_->fail_all();
    relays_.on_new_stream();
    resend_orphans();
    requests_.on_stream(false);
    flush_answers();
    load_roster();
}

void Client::resend_orphans() {
    for (const auto& stanza : management_.take_orphans()) {
        // Requests repeat themselves; presence is told anew. Receivers drop what they got before by its id.
        const bool is_answer = stanza.starts_with("<iq type='result'") || stanza.starts_with("<iq type='error'");
        if (is_answer || stanza.starts_with("<message")) session_->send_text(stanza);
    }
}

void Client::flush_answers() {
    const auto kept = std::exchange(kept_answers_, {});
    for (const auto& stanza : kept) session_->send_text(stanza);
}

void Client::load_roster() {
    auto iq = make_stanza("iq", "get", "", "");
    add_element(*iq, "query", kRosterNamespace);
    const std::weak_ptr<Session> asked = session_;
    requests_.ask(std::move(iq), {configuration_.timings.request, Requests::OnLoss::fail},
                  guarded([this, asked](const Element* answer) {
                      if (!session_ || asked.lock() != session_) return;
                      const Element* query = answer ? child(*answer, "query", kRosterNamespace) : nullptr;
                      if (query) roster_.load(*query);
                      go_online();
                  }));
}

void Client::go_online() {
    session_->send(*make_available_presence("", configuration_.priority));
    was_online_ = true;
    set_state(ConnectionState::online, {}, "");
    muc_.on_online();
    check_rooms();
    tell_contacts();
    find_server_features();
}

void Client::find_server_features() {
    auto iq = make_stanza("iq", "get", checked_.account.domain(), "");
    add_element(*iq, "query", kDiscoInfoNamespace);
    requests_.ask(
        std::move(iq), {configuration_.timings.request, Requests::OnLoss::fail}, guarded([this](const Element* answer) {
            const Element* query = answer ? child(*answer, "query", kDiscoInfoNamespace) : nullptr;
            auto info = query ? parse_disco_info(*query) : result<DiscoInfo>(make_error_code(Errc::not_found));
            if (info) features_.insert(info->features.begin(), info->features.end());
        }));
}

void Client::on_session_ended(error_code reason, const std::string& detail) {
    const bool was_ready = state_ == ConnectionState::online;
    if (was_ready && std::chrono::steady_clock::now() - online_since_ > kStableAfter) failures_ = 0;
    post([old = std::move(session_)] {});  // it is still on the stack
    session_.reset();
    requests_.on_stream_lost();
    if (closing_) return go_offline({}, "");
    // Resuming would bring the same broken stanza again.
    if (reason == Errc::protocol_violation || reason == Errc::limit_exceeded) management_.stop();
    base::logger("xmpp")->info("session ended: {}", base::printable(detail));
    if (is_final(reason)) return go_offline(reason, detail);
    reconnect_later(reason, detail);
}

bool Client::is_final(error_code reason) const {
    if (reason == Errc::authentication_failed || reason == Errc::invalid_argument) return true;
    if (was_online_) return false;
    if (reason == Errc::certificate_rejected || reason == Errc::not_found || reason == Errc::unsupported) return true;
    return !configuration_.retry_first;
}

void Client::reconnect_later(error_code reason, const std::string& detail) {
    // Somebody else took the resource: another random one ends the quarrel.
    if (reason == Errc::already_exists && !checked_.keeps_resource) checked_.resource = random_resource();
    set_state(was_online_ ? ConnectionState::reconnecting : ConnectionState::connecting, reason, detail);
    const auto& timings = configuration_.timings;
    const auto doubled = timings.first_retry * (1LL << std::min(failures_++, 16U));
    const auto wait = shorten_randomly(std::min<std::chrono::milliseconds>(doubled, timings.last_retry));
    reconnect_after(std::exchange(hurried_, false) ? std::chrono::milliseconds(0) : wait);
}

void Client::reconnect_after(std::chrono::milliseconds wait) {
    retry_.expires_after(wait);
    retry_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (self && !error && !self->closing_) self->connect();
    });
}

void Client::go_offline(error_code reason, const std::string& detail) {
    retry_.cancel();
    room_check_.cancel();
    muc_.on_offline();
    requests_.fail_all(make_error_code(Errc::not_connected));
    in_band_->fail_all();
    management_.stop();
    management_.take_orphans();
    set_state(ConnectionState::offline, reason, detail);
}

void Client::set_state(ConnectionState state, error_code reason, const std::string& detail) {
    if (state == state_ && !reason) return;
    state_ = state;
    notify([state, reason, detail](Connection::Handler& handler) { handler.on_state(state, reason, detail); });
}

void Client::notify(std::function<void(Connection::Handler&)> call) {
    post([this, call = std::move(call)] {
        if (handler_) call(*handler_);
    });
}

void Client::post(std::function<void()> task) {
    boost::asio::post(executor_, [weak = weak_from_this(), task = std::move(task)] {
        if (const auto self = weak.lock()) task();
    });
}

Requests::Callback Client::guarded(std::function<void(const Element*)> callback) {
    return [weak = weak_from_this(), callback = std::move(callback)](const result<const Element*>& answer) {
        const auto self = weak.lock();
        if (!self) return;
        const bool fine = answer && *answer && attribute(**answer, "type") == "result";
        callback(fine ? *answer : nullptr);
    };
}

}  // namespace tubes::presence::xmpp
