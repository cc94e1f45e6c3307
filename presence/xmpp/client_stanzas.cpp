// SPDX-License-Identifier: GPL-3.0-or-later
// What the client does with filtered stanzas, and what it is asked to send.
#include <boost/asio/post.hpp>

#include "presence/xmpp/client.hpp"
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/signal_codec.hpp"
#include "presence/xmpp/wire_errors.hpp"
#include "tubes/base/log.hpp"

namespace tubes::presence::xmpp {

using core::ports::ConnectionState;

namespace {

constexpr std::size_t kMaxSubscriptionText = 512;  // bytes of what somebody says when they ask

}  // namespace

void Client::on_stanza(const Element& stanza) {
    const auto filtered = filter_stanza(stanza, self_);
    switch (filtered.kind) {
        case StanzaKind::answer:
            if (!requests_.on_answer(stanza)) {
                base::logger("xmpp")->debug("answer to nothing from {}", base::printable(filtered.from.full()));
            }
            break;
        case StanzaKind::forbidden:
            answer(make_error_answer(filtered.from, attribute(stanza, "id"), make_error(Errc::not_available, false))
                       ->xml());
            break;
        case StanzaKind::roster_push: on_roster_push(filtered, stanza); break;
        case StanzaKind::request: on_request(filtered, stanza); break;
        case StanzaKind::presence_error:
            if (muc_.owns(filtered.from)) muc_.on_presence(filtered.from, stanza);
            break;
        case StanzaKind::presence: on_presence(filtered.from, stanza); break;
        case StanzaKind::subscription: on_subscription(filtered.from, stanza); break;
        case StanzaKind::message:  // other chat is not for a device of ours
            if (muc_.owns(filtered.from)) muc_.on_message(filtered.from, stanza);
            break;
        case StanzaKind::dropped: break;
    }
    tell_contacts();
}

void Client::on_roster_push(const FilteredStanza& filtered, const Element& iq) {
    (void)roster_.apply_push(*filtered.payload);
    auto done = make_stanza("iq", "result", "", attribute(iq, "id"));
    answer(done->xml());
}

void Client::on_request(const FilteredStanza& filtered, const Element& iq) {
    const Jid& from = filtered.from;
    const Element& payload = *filtered.payload;
    const std::string& id = attribute(iq, "id");
    if (is_signal_payload(payload)) return signals_->on_request(from, iq, payload);
    if (namespace_of(payload) == kInBandNamespace && attribute(iq, "type") == "set") {
        return in_band_->on_request(from, id, payload);
    }
    // Everybody else is told what the server says of somebody who is not there.
    const bool in_room = muc_.owns(from);
    const bool trusted =
        (in_room ? muc_.knows(from) : roster_.may_see_us(from)) || from.full() == checked_.account.domain();
    if (!trusted || attribute(iq, "type") != "get") {
        return answer(make_error_answer(from, id, make_error(Errc::not_available, false))->xml());
    }
    auto reply = make_result(from, id);
    if (is(payload, "query", kDiscoInfoNamespace)) {
        auto info = own_disco_answer(attribute(payload, "node"));
        if (!info) return answer(make_error_answer(from, id, make_error(Errc::not_found, false))->xml());
        adopt(*reply, std::move(info));
    } else if (!is(payload, "ping", kPingNamespace)) {
        return answer(make_error_answer(from, id, make_error(Errc::not_available, false))->xml());
    }
    answer(reply->xml());
}

void Client::on_presence(const Jid& from, const Element& presence) {
    if (muc_.owns(from)) return muc_.on_presence(from, presence);
    signals_->on_presence(from, presence);
    // Strangers' presence is otherwise ignored: asking them back would tell them that we are there.
    if (!roster_.on_presence(from, presence) || from.is_bare() || from == self_) return;
    if (attribute(presence, "type") == "unavailable") return capabilities_.on_unavailable(from);
    capabilities_.on_presence(from, presence);
}

void Client::on_subscription(const Jid& from, const Element& presence) {
    const std::string bare = from.bare();
    if (roster_.may_see_us(from)) {
        auto reply = make_stanza("presence", "subscribed", bare, "");
        return session_->send(*reply);
    }
    if (subscription_requests_.size() >= kMaxSubscriptionRequests || !subscription_requests_.insert(bare).second)
        return;
    const Element* status = child(presence, "status");
    const std::string text = status ? status->cdata().substr(0, kMaxSubscriptionText) : "";
    notify([contact = from.contact(), text](Connection::Handler& handler) {
        handler.on_subscription_request(contact, text);
    });
}

Muc::Outside Client::rooms_outside() {
    Muc::Outside outside;
    outside.send = [this](const ElementPtr& stanza) { session_->send(*stanza); };
    outside.ask = [this](ElementPtr iq, std::function<void(const Element*)> callback) {
        requests_.ask(std::move(iq), {configuration_.timings.request, Requests::OnLoss::fail},
                      [weak = weak_from_this(), callback = std::move(callback)](const result<const Element*>& reply) {
                          if (const auto self = weak.lock()) callback(reply ? *reply : nullptr);
                      });
    };
    outside.tell = [this](core::ports::RoomEvent event) {
        notify([event = std::move(event)](Connection::Handler& handler) { handler.on_room_event(event); });
    };
    outside.is_online = [this] { return state_ == ConnectionState::online && session_ && session_->is_ready(); };
    return outside;
}

void Client::check_rooms() {
    room_check_.expires_after(kRoomCheck);
    room_check_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (!self || error) return;
        self->muc_.check(std::chrono::steady_clock::now());
        self->check_rooms();
    });
}

void Client::answer(const std::string& stanza) {
    if (session_ && session_->is_ready()) return session_->send_text(stanza);
    if (closing_ || kept_answers_.size() >= kMaxKeptAnswers) return;
    kept_answers_.push_back(stanza);
}

void Client::ask_capabilities(const Jid& peer, const std::string& node, std::function<void(const Element*)> callback) {
    auto iq = make_stanza("iq", "get", peer.full(), "");
    add_element(*iq, "query", kDiscoInfoNamespace).addAttribute("node", node);
    requests_.ask(std::move(iq), {configuration_.timings.request, Requests::OnLoss::fail},
                  guarded([callback = std::move(callback)](const Element* reply) {
                      callback(reply ? child(*reply, "query", kDiscoInfoNamespace) : nullptr);
                  }));
}

void Client::tell_contacts() {
    if (telling_contacts_) return;
    telling_contacts_ = true;
    // Once per round of the loop, however many stanzas it brought.
    post([this] {
        telling_contacts_ = false;
        for (const auto& bare : roster_.take_removed()) {
            if (handler_) handler_->on_contact_removed({bare});
        }
        for (const auto& bare : roster_.take_changed()) {
            const auto* contact = roster_.find(bare);
            if (handler_ && contact) handler_->on_contact(core::ports::Contact(*contact));
        }
    });
}

core::ports::ConnectionInfo Client::info() const {
    core::ports::ConnectionInfo info;
    info.protocol = "xmpp";
    info.self = checked_.account.contact();
    info.self_peer = self_.peer();
    info.server = server_;
    if (configuration_.proxy.applies_to(checked_.ascii_domain))
        info.server += " through " + configuration_.proxy.printed();
    info.security = security_;
    info.features.assign(features_.begin(), features_.end());
    return info;
}

void Client::send_signal(const core::PeerAddress& to, const core::Signal& signal, std::chrono::milliseconds deadline,
                         Connection::SignalCallback callback) {
    if (state_ == ConnectionState::offline || closing_) {
        return post([callback = std::move(callback)] { callback(make_error_code(Errc::not_connected)); });
    }
    signals_->send(to, signal, deadline, std::move(callback),
                   [this](std::function<void()> task) { post(std::move(task)); });
}

void Client::send_web_signal(const core::PeerAddress& to, const core::ports::WebSignal& signal) {
    if (state_ == ConnectionState::offline || closing_) return;
    signals_->send_web(to, signal, configuration_.timings.request);
}

result<void> Client::send_subscription(const core::ContactAddress& contact, const std::string& type) {
    const auto jid = Jid::parse(contact.value);
    if (!jid || !jid->is_bare() || jid->local().empty()) return make_error_code(Errc::invalid_argument);
    if (state_ != ConnectionState::online) return make_error_code(Errc::not_connected);
    auto presence = make_stanza("presence", type, jid->bare(), "");
    session_->send(*presence);
    if (type != "subscribe") subscription_requests_.erase(jid->bare());
    return {};
}

result<void> Client::remove_contact(const core::ContactAddress& contact) {
    const auto jid = Jid::parse(contact.value);
    if (!jid || !jid->is_bare()) return make_error_code(Errc::invalid_argument);
    if (!roster_.contains(*jid)) return send_subscription(contact, "unsubscribed");
    if (state_ != ConnectionState::online) return make_error_code(Errc::not_connected);
    // RFC 6121 §2.5: the server ends both subscriptions with it.
    auto iq = make_stanza("iq", "set", "", "");
    Element& item = add_element(add_element(*iq, "query", kRosterNamespace), "item");
    item.addAttribute("jid", jid->bare());
    item.addAttribute("subscription", "remove");
    requests_.ask(std::move(iq), {configuration_.timings.request, Requests::OnLoss::repeat}, nullptr);
    return {};
}

void Client::find_ice_servers(std::function<void(std::vector<core::ports::IceServer>)> callback) {
    post([this, callback = std::move(callback)] {
        services_.find([callback, ca_file = configuration_.ca_file](std::vector<core::ports::IceServer> servers) {
            // Who vouches for the XMPP server vouches for what it names.
            for (auto& server : servers) server.ca_file = ca_file;
            callback(std::move(servers));
        });
    });
}

}  // namespace tubes::presence::xmpp
