// SPDX-License-Identifier: GPL-3.0-or-later
// Everything of one account: sessions one after another, and what outlives them.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "presence/xmpp/capabilities.hpp"
#include "presence/xmpp/external_services.hpp"
#include "presence/xmpp/in_band.hpp"
#include "presence/xmpp/muc.hpp"
#include "presence/xmpp/requests.hpp"
#include "presence/xmpp/roster.hpp"
#include "presence/xmpp/session.hpp"
#include "presence/xmpp/signal_service.hpp"
#include "presence/xmpp/stanza_filter.hpp"
#include "presence/xmpp/stream_relays.hpp"
#include "presence/xmpp/xmpp_connection.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxKeptAnswers = 1024;          // answers waiting for the stream to come back
inline constexpr std::size_t kMaxSubscriptionRequests = 256;  // people who asked and were not answered
inline constexpr std::chrono::seconds kRoomCheck{60};         // between looks at rooms that are silent
inline constexpr std::chrono::seconds kStableAfter{30};       // online so long, and the back-off starts anew

/// The inside of an XmppConnection; outlives it only as long as operations need to notice that it is gone.
class Client final : public std::enable_shared_from_this<Client>, private Session::Handler {
public:
    using Connection = core::ports::Connection;

    /// What has been checked once, when the connection was made.
    struct Checked {
        Jid account;
        std::string ascii_domain;
        std::string resource;
        bool keeps_resource = false;  ///< The user chose it.
        std::optional<core::Digest> pinned;
    };

    Client(boost::asio::any_io_executor executor, XmppConfiguration configuration, Checked checked);

    void start(Connection::Handler& handler);
    void close();
    /// Asks the server whether it is still there, or connects at once where that was to come later.
    void network_changed();
    /// The connection is being destroyed: no callback any more, and no log-out.
    void abandon();

    core::ports::ConnectionInfo info() const;
    core::ports::ConnectionState state() const noexcept { return state_; }
    std::vector<core::ports::Contact> contacts() const { return roster_.contacts(); }
    void send_signal(const core::PeerAddress& to, const core::Signal& signal, std::chrono::milliseconds deadline,
                     Connection::SignalCallback callback);
    void send_web_signal(const core::PeerAddress& to, const core::ports::WebSignal& signal);
    /// Sends presence of that type ("subscribe", "subscribed", "unsubscribed") to a contact.
    result<void> send_subscription(const core::ContactAddress& contact, const std::string& type);
    result<void> remove_contact(const core::ContactAddress& contact);
    void find_ice_servers(std::function<void(std::vector<core::ports::IceServer>)> callback);
    core::ports::Rooms& rooms() noexcept { return muc_; }

    // For what is carried to one peer: peer_carrier.cpp.
    InBandService& in_band() noexcept { return *in_band_; }
    StreamRelays& relays() noexcept { return relays_; }
    const Jid& self() const noexcept { return self_; }
    void post(std::function<void()> task);

private:
    // Session::Handler
    void on_session_ready(const NegotiationOutcome& outcome) override;
    void on_stanza(const Element& stanza) override;
    void on_session_ended(error_code reason, const std::string& detail) override;

    void connect();
    SessionOptions session_options() const;
    void on_resumed();
    void on_new_stream(const NegotiationOutcome& outcome);
    void resend_orphans();
    void flush_answers();
    void remember_mechanism(const std::string& strongest);
    void load_roster();
    void go_online();
    void find_server_features();
    void reconnect_later(error_code reason, const std::string& detail);
    void reconnect_after(std::chrono::milliseconds wait);
    bool is_final(error_code reason) const;
    void go_offline(error_code reason, const std::string& detail);

    void on_request(const FilteredStanza& filtered, const Element& iq);
    void on_roster_push(const FilteredStanza& filtered, const Element& iq);
    void on_presence(const Jid& from, const Element& presence);
    void on_subscription(const Jid& from, const Element& presence);
    Muc::Outside rooms_outside();
    void check_rooms();
    void answer(const std::string& stanza);
    void ask_capabilities(const Jid& peer, const std::string& node, std::function<void(const Element*)> callback);

    void set_state(core::ports::ConnectionState state, error_code reason, const std::string& detail);
    void tell_contacts();
    void notify(std::function<void(Connection::Handler&)> call);
    /// Wraps a callback so that it does nothing once the client is gone.
    Requests::Callback guarded(std::function<void(const Element*)> callback);

    boost::asio::any_io_executor executor_;
    XmppConfiguration configuration_;
    Checked checked_;
    Connection::Handler* handler_ = nullptr;
    core::ports::ConnectionState state_ = core::ports::ConnectionState::offline;
    bool was_online_ = false;
    bool closing_ = false;
    bool hurried_ = false;  ///< The next reconnection does not wait.

    StreamManagement management_;
    std::shared_ptr<Session> session_;
    Jid self_;
    std::set<std::string> features_;
    std::string server_;
    std::string security_;
    boost::asio::steady_timer retry_;
    unsigned failures_ = 0;
    std::chrono::steady_clock::time_point online_since_{};

    Requests requests_;
    Roster roster_;
    Capabilities capabilities_;
    ExternalServiceCache services_;
    Muc muc_;
    boost::asio::steady_timer room_check_;
    std::shared_ptr<SignalService> signals_;
    std::shared_ptr<InBandService> in_band_;
    StreamRelays relays_;
    std::deque<std::string> kept_answers_;
    std::set<std::string> subscription_requests_;
    bool telling_contacts_ = false;
};

}  // namespace tubes::presence::xmpp
