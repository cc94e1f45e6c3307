// SPDX-License-Identifier: GPL-3.0-or-later
// IQs and directed presence around the signal codec.
#include "presence/xmpp/signal_service.hpp"

#include "presence/xmpp/capabilities.hpp"
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/signal_codec.hpp"
#include "presence/xmpp/wire_errors.hpp"

namespace tubes::presence::xmpp {

using core::Signal;
using core::SignalReply;

namespace {

bool is_offer(const Signal& signal) {
    return std::holds_alternative<core::OfferSignal>(signal) || std::holds_alternative<core::OfferEndSignal>(signal);
}

}  // namespace

ElementPtr make_result(const Jid& to, const std::string& id) {
    return make_stanza("iq", "result", to.full(), id);
}

ElementPtr make_error_answer(const Jid& to, const std::string& id, ElementPtr error) {
    auto iq = make_stanza("iq", "error", to.full(), id);
    adopt(*iq, std::move(error));
    return iq;
}

/// One request's answer: given once, and as "nobody there" if it is dropped.
class SignalService::Reply {
public:
    Reply(std::weak_ptr<SignalService> service, Jid from, std::string id, bool is_set, bool jingle, bool stranger)
        : service_(std::move(service)),
          from_(std::move(from)),
          id_(std::move(id)),
          is_set_(is_set),
          jingle_(jingle),
          stranger_(stranger) {}
    ~Reply() { give(make_error_code(Errc::not_available)); }
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;

    void give(const result<SignalReply>& reply) {
        const auto service = std::exchange(service_, {}).lock();
        if (service) service->on_reply(from_, id_, is_set_, jingle_, stranger_, reply);
    }

private:
    std::weak_ptr<SignalService> service_;
    Jid from_;
    std::string id_;  // empty: presence, which nothing answers
    bool is_set_;
    bool jingle_;
    bool stranger_;
};

SignalService::SignalService(Requests& requests, const Roster& roster, int priority, Deliver deliver, Answer answer,
                             FindInRoom find_in_room)
    : requests_(requests),
      roster_(roster),
      priority_(priority),
      deliver_(std::move(deliver)),
      answer_(std::move(answer)),
      find_in_room_(std::move(find_in_room)) {}

core::ports::SignalOrigin SignalService::origin_of(const Jid& from) const {
    core::ports::SignalOrigin origin;
    origin.from = from.peer();
    const auto sender = find_in_room_(from);
    if (sender.is_room) return sender.origin.value_or(origin);
    origin.may_see_presence = roster_.may_see_us(from);
    return origin;
}

bool SignalService::is_stranger(const Jid& from) const {
    const auto origin = origin_of(from);
    return !origin.may_see_presence && !origin.room;
}

void SignalService::send(const core::PeerAddress& to, const Signal& signal, std::chrono::milliseconds deadline,
                         Connection::SignalCallback callback, const std::function<void(std::function<void()>)>& post) {
    const auto jid = Jid::parse(to.value);
    auto encoded = encode_signal(signal);
    error_code refused;
    if (!jid)
        refused = jid.error();
    else if (!encoded)
        refused = encoded.error();
    else if (jid->is_bare() && !is_offer(signal))
        refused = make_error_code(Errc::offline);
    if (refused) return post([callback = std::move(callback), refused] { callback(refused); });
    if (jid->is_bare()) {
        const bool ends = std::holds_alternative<core::OfferEndSignal>(signal);
        return send_presence(*jid, std::move(encoded->payload), ends, deadline, std::move(callback));
    }
    send_request(*jid, encoded->iq_type, std::move(encoded->payload),
                 std::holds_alternative<core::ServiceQuery>(signal), deadline, std::move(callback));
}

// Presence to the bare address reaches every resource that is there, whatever its priority, and is never stored
// (RFC 6121 §8.5.2.1.2). A message would pass by resources of negative priority, which is what ours have.
void SignalService::send_presence(const Jid& to, ElementPtr payload, bool ends, std::chrono::milliseconds deadline,
                                  Connection::SignalCallback callback) {
    // Whoever sees our presence anyway keeps seeing us when the offer is over.
    auto presence = ends && !roster_.may_see_us(to) ? make_stanza("presence", "unavailable", to.bare(), "")
                                                    : make_available_presence(to.bare(), priority_);
    adopt(*presence, std::move(payload));
    requests_.tell(std::move(presence), deadline, [callback = std::move(callback)](const result<const Element*>& sent) {
        callback(sent ? result<SignalReply>(SignalReply()) : result<SignalReply>(sent.error()));
    });
}

void SignalService::send_request(const Jid& to, const std::string& type, ElementPtr payload, bool expects_services,
                                 std::chrono::milliseconds deadline, Connection::SignalCallback callback) {
    auto iq = make_stanza("iq", type, to.full(), "");
    adopt(*iq, std::move(payload));
    requests_.ask(std::move(iq), {deadline, Requests::OnLoss::repeat},
                  [weak = weak_from_this(), to, expects_services,
                   callback = std::move(callback)](const result<const Element*>& answer) {
                      const auto self = weak.lock();
                      if (!answer) return callback(answer.error());
                      if (!self) return callback(make_error_code(Errc::not_connected));
                      if (attribute(**answer, "type") == "error") return callback(self->explain(to, **answer));
                      callback(decode_reply(**answer, expects_services));
                  });
}

error_code SignalService::explain(const Jid& to, const Element& answer) const {
    const error_code code = parse_error(answer);
    // Whoever shows us their presence and is not there is offline; of others we learn nothing.
    const auto target = find_in_room_(to);
    const bool gone = target.is_room ? !target.origin : roster_.may_see(to) && !roster_.has_peer(to);
    return code == Errc::not_available && gone ? make_error_code(Errc::offline) : code;
}

void SignalService::on_request(const Jid& from, const Element& iq, const Element& payload) {
    const std::string& id = attribute(iq, "id");
    const std::string& type = attribute(iq, "type");
    const bool is_set = type == "set";
    const bool stranger = is_stranger(from);
    std::string given;
    if (is_set) {
        const auto seen = answered_.note(from.full(), id, given);
        if (seen == AnsweredRequests::Seen::answered) return answer_(given);
        if (seen == AnsweredRequests::Seen::under_way) return;
    }
    const bool jingle = payload.name() == "jingle";
    auto reply = std::make_shared<Reply>(weak_from_this(), from, id, is_set, jingle, stranger);
    ++pending_;
    if (stranger) ++pending_strangers_;
    if (jingle && is_set && web_.owns(from, payload)) return on_web_request(from, payload, std::move(reply));
    auto signal = decode_signal(type, payload);
    // A stranger learns from an error no more than that nobody answers.
    if (!signal) return reply->give(stranger ? make_error_code(Errc::not_available) : signal.error());
    const bool full = pending_ > kMaxPendingSignals || pending_strangers_ > kMaxPendingStrangerSignals;
    if (full) return reply->give(make_error_code(stranger ? Errc::not_available : Errc::limit_exceeded));
    deliver(from, std::move(*signal), std::move(reply));
}

void SignalService::on_web_request(const Jid& from, const Element& payload, std::shared_ptr<Reply> reply) {
    const bool full = pending_ > kMaxPendingSignals;
    if (!deliver_web_ || full || is_stranger(from)) return reply->give(make_error_code(Errc::not_available));
    auto signal = web_.decode(from, payload);
    if (!signal) return reply->give(signal.error());
    const auto session = std::holds_alternative<core::ports::WebInitiate>(signal->action) ? signal->session : "";
    deliver_web_(origin_of(from), std::move(*signal),
                 [weak = weak_from_this(), from, session, reply](const result<SignalReply>& given) {
                     const auto self = weak.lock();
                     if (self && !given && !session.empty()) self->web_.forget(from, session);
                     reply->give(given);
                 });
}

void SignalService::send_web(const core::PeerAddress& to, const core::ports::WebSignal& signal,
                             std::chrono::milliseconds deadline) {
    const auto jid = Jid::parse(to.value);
    if (!jid || jid->is_bare()) return;
    auto iq = make_stanza("iq", "set", jid->full(), "");
    adopt(*iq, web_.encode(*jid, signal));
    requests_.ask(std::move(iq), {deadline, Requests::OnLoss::repeat}, [](const result<const Element*>&) {});
}

void SignalService::on_presence(const Jid& from, const Element& presence) {
    for (const Element* payload : children(presence)) {
        if (namespace_of(*payload) != kTubesNamespace || from.is_bare()) continue;
        auto signal = decode_signal("set", *payload);
        std::string ignored;
        if (!signal || !is_offer(*signal)) return;
        const std::string& id = attribute(presence, "id");
        if (!id.empty() && answered_.note(from.full(), id, ignored) != AnsweredRequests::Seen::first_time) return;
        const bool stranger = is_stranger(from);
        if (pending_ >= kMaxPendingSignals || (stranger && pending_strangers_ >= kMaxPendingStrangerSignals)) return;
        ++pending_;
        if (stranger) ++pending_strangers_;
        auto reply = std::make_shared<Reply>(weak_from_this(), from, "", true, false, stranger);
        return deliver(from, std::move(*signal), std::move(reply));
    }
}

void SignalService::deliver(const Jid& from, Signal signal, std::shared_ptr<Reply> reply) {
    deliver_(origin_of(from), std::move(signal),
             [reply = std::move(reply)](const result<SignalReply>& given) { reply->give(given); });
}

void SignalService::on_reply(const Jid& from, const std::string& id, bool is_set, bool jingle, bool stranger,
                             const result<SignalReply>& reply) {
    --pending_;
    if (stranger) --pending_strangers_;
    if (id.empty()) return;
    if (!reply) return answer(from, id, is_set, *make_error_answer(from, id, make_error(reply.error(), jingle)));
    auto iq = make_result(from, id);
    if (auto payload = encode_reply(*reply)) adopt(*iq, std::move(payload));
    answer(from, id, is_set, *iq);
}

void SignalService::answer(const Jid& from, const std::string& id, bool is_set, const Element& stanza) {
    const std::string text = stanza.xml();
    if (is_set) answered_.answer(from.full(), id, text);
    answer_(text);
}

}  // namespace tubes::presence::xmpp
