// SPDX-License-Identifier: GPL-3.0-or-later
// Signals over XMPP: sends them as IQs or directed presence, receives them once, answers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "presence/xmpp/answered_requests.hpp"
#include "presence/xmpp/requests.hpp"
#include "presence/xmpp/roster.hpp"
#include "presence/xmpp/web_signals.hpp"
#include "tubes/core/ports/connection.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxPendingSignals = 512;         // received and not yet answered
inline constexpr std::size_t kMaxPendingStrangerSignals = 32;  // of those, from people not on the list

/// Makes an IQ that answers `iq`, of type result or error.
ElementPtr make_result(const Jid& to, const std::string& id);
ElementPtr make_error_answer(const Jid& to, const std::string& id, ElementPtr error);

class SignalService : public std::enable_shared_from_this<SignalService> {
public:
    using Connection = core::ports::Connection;
    /// Hands a received signal to the engine, later than the call.
    using Deliver = std::function<void(core::ports::SignalOrigin, core::Signal, Connection::Responder)>;
    /// The same for foreign peers.
    using DeliverWeb = std::function<void(core::ports::SignalOrigin, core::ports::WebSignal, Connection::Responder)>;
    /// Sends an answer; keeps it if the stream is lost just now.
    using Answer = std::function<void(const std::string& stanza)>;

    /// Who an address is, if it is a room's.
    struct RoomSender {
        bool is_room = false;
        std::optional<core::ports::SignalOrigin> origin;  ///< Empty: no occupant has it.
    };
    using FindInRoom = std::function<RoomSender(const Jid&)>;

    /// `priority` is what our presence says.
    SignalService(Requests& requests, const Roster& roster, int priority, Deliver deliver, Answer answer,
                  FindInRoom find_in_room);

    void send(const core::PeerAddress& to, const core::Signal& signal, std::chrono::milliseconds deadline,
              Connection::SignalCallback callback, const std::function<void(std::function<void()>)>& post);

    /// Foreign peers are heard from now on; else they find nobody.
    void deliver_web(DeliverWeb deliver) { deliver_web_ = std::move(deliver); }
    void send_web(const core::PeerAddress& to, const core::ports::WebSignal& signal,
                  std::chrono::milliseconds deadline);

    /// An IQ get or set whose payload is_signal_payload().
    void on_request(const Jid& from, const Element& iq, const Element& payload);
    /// Presence of anybody; ignored unless it carries an offer or the end of one.
    void on_presence(const Jid& from, const Element& presence);

private:
    class Reply;

    void send_presence(const Jid& to, ElementPtr payload, bool ends, std::chrono::milliseconds deadline,
                       Connection::SignalCallback callback);
    void send_request(const Jid& to, const std::string& type, ElementPtr payload, bool expects_services,
                      std::chrono::milliseconds deadline, Connection::SignalCallback callback);
    error_code explain(const Jid& to, const Element& answer) const;
    /// The sender and what the user's contact list, or a room, says of them.
    core::ports::SignalOrigin origin_of(const Jid& from) const;
    bool is_stranger(const Jid& from) const;
    void on_web_request(const Jid& from, const Element& payload, std::shared_ptr<Reply> reply);
    void deliver(const Jid& from, core::Signal signal, std::shared_ptr<Reply> reply);
    void on_reply(const Jid& from, const std::string& id, bool is_set, bool jingle, bool stranger,
                  const result<core::SignalReply>& reply);
    void answer(const Jid& from, const std::string& id, bool is_set, const Element& stanza);

    Requests& requests_;
    const Roster& roster_;
    int priority_;
    Deliver deliver_;
    DeliverWeb deliver_web_;
    WebSignals web_;
    Answer answer_;
    FindInRoom find_in_room_;
    AnsweredRequests answered_;
    std::size_t pending_ = 0;
    std::size_t pending_strangers_ = 0;
};

}  // namespace tubes::presence::xmpp
