// SPDX-License-Identifier: GPL-3.0-or-later
// The broker's implementation: one mediator between accounts, tables, consent and link sessions. Its parts are in
// broker_*.cpp: connect, requests, offers, links, contacts, queries.
// Spec: docs/protocol.md, "Signaling", "Offers and shares", "Consent".
#pragma once

#include <deque>
#include <list>

#include "tubes/core/tube/account.hpp"
#include "tubes/core/tube/consent.hpp"
#include "tubes/core/tube/link_session.hpp"
#include "tubes/core/tube/pending_requests.hpp"
#include "tubes/core/tube/rate_limiter.hpp"
#include "tubes/core/tube/reasons.hpp"
#include "tubes/core/tube/tube_record.hpp"
#include "tubes/core/tube/web_session.hpp"

namespace tubes::core {

/// See the head of the file and Broker.
class BrokerImpl final : public Broker, private Account::Owner, private LinkSession::Owner, private WebSession::Owner {
public:
    BrokerImpl(Environment environment, BrokerLimits limits, LinkLimits link_limits, Handler& handler);
    ~BrokerImpl() override;

    result<void> add_connection(ports::AccountName account, std::unique_ptr<ports::Connection> connection,
                                const ports::Identity& identity) override;
    void remove_connection(const ports::AccountName& account, std::function<void()> done) override;
    ports::Connection* connection(const ports::AccountName& account) override;
    result<void> share(ShareSpec spec) override;
    result<void> unshare(const std::string& service) override;
    result<OfferId> offer(OfferSpec spec) override;
    result<void> withdraw(const OfferId& id) override;
    TubeId connect(ConnectSpec spec, TubeCallback callback) override;
    std::vector<PendingRequest> pending() const override { return pending_.list(); }
    void answer(const OfferId& id, bool accept, TubeCallback callback) override;
    result<std::shared_ptr<Stream>> open_stream(const TubeId& tube) override;
    void close_tube(const TubeId& tube, Errc reason) override;
    void query_services(const ports::AccountName& account, const ContactAddress& contact,
                        std::chrono::milliseconds deadline,
                        std::function<void(result<std::vector<PeerServices>>)> callback) override;
    void ping(const ports::AccountName& account, const ContactAddress& contact, std::chrono::milliseconds deadline,
              std::function<void(result<std::vector<PingResult>>)> callback) override;
    void start_verification(const LinkId& link, std::function<void(result<std::string>)> callback) override;
    result<void> join_room(const ports::AccountName& account, ports::RoomJoin join,
                           std::optional<AddressPolicy> addresses) override;
    void leave_room(const ports::AccountName& account, const ContactAddress& room) override;
    void policies_changed() override;
    void network_changed() override;
    void check_paths() override;
    std::vector<TubeStatus> tubes() const override;
    std::vector<LinkReport> links() const override;

private:
    using Respond = ports::Connection::Responder;
    using Origin = ports::SignalOrigin;
    struct ServiceChoice;

    // Account::Owner (broker_contacts.cpp, broker_requests.cpp)
    void on_account_state(Account& account, ports::ConnectionState state, error_code reason,
                          const std::string& detail) override;
    void on_account_contact(Account& account, const ports::Contact& contact) override;
    void on_account_contact_removed(Account& account, const ContactAddress& contact) override;
    void on_account_subscription_request(Account& account, const ContactAddress& contact,
                                         const std::string& text) override;
    void on_account_signal(Account& account, const Origin& origin, Signal signal, Respond respond) override;
    void on_account_web_signal(Account& account, const Origin& origin, ports::WebSignal signal,
                               Respond respond) override;
    void on_account_room_event(Account& account, const ports::RoomEvent& event) override;

    // LinkSession::Owner (broker_links.cpp)
    void send_session_signal(LinkSession& session, Signal signal, LinkSession::Delivered delivered) override;
    void on_session_open(LinkSession& session) override;
    void on_session_stream(LinkSession& session, std::shared_ptr<Stream> stream) override;
    void on_session_control(LinkSession& session, ControlMessage message) override;
    void on_session_changed(LinkSession& session) override;
    void on_session_phase(LinkSession& session, const char* phase) override;
    void on_session_ended(LinkSession& session, Errc reason, bool tell) override;
    void on_session_gone(LinkSession& session) override;

    // broker_web.cpp: foreign peers, WebSession::Owner
    void send_web_signal(WebSession& session, ports::WebSignal signal) override;
    void on_web_session_open(WebSession& session) override;
    void on_web_session_stream(WebSession& session, std::shared_ptr<Stream> stream) override;
    void on_web_session_ended(WebSession& session, Errc reason) override;
    void request_web(Account& account, const Origin& origin, const ports::WebSignal& signal, Respond& respond);
    void begin_web(WebSession& session, const Decision& decision);
    bool ask_about_web(WebSession& session, const Decision& decision);
    void grant_web(WebSession& session, Parameters parameters, TubeCallback callback);
    void answer_web(WebSession& session, const WaitingRequest& waiting, bool accept, TubeCallback callback);
    WebSession* find_web(const LinkId& id) const;
    WebSession* find_web(const ports::AccountName& account, const PeerAddress& peer, const std::string& name) const;
    Decision decide_web(const WebSession& session) const;
    /// Closes it, its tube and what waits for the user.
    void end_web(const LinkId& id, Errc reason, bool tell);
    /// Ends those that `is_over` names.
    void end_webs(Errc reason, bool tell, const std::function<bool(const WebSession&)>& is_over);

    // broker_contacts.cpp
    void drop_contact(Account& account, const ContactAddress& contact, Errc reason);
    /// Ends links of this user's programs whose process is gone: no network will bring those back.
    void end_dead_links(Account& account, const ContactAddress& contact);
    void drop_vanished(Account& account, const ports::Contact& contact);
    void finish_removal(const ports::AccountName& name);

    // broker_signals.cpp: one per signal, after limits and strangers were dealt with
    bool is_permitted(Account& account, const Origin& origin, const Signal& signal);
    void handle(Account& account, const Origin& origin, OfferSignal& message, Respond& respond);
    void handle(Account& account, const Origin& origin, OfferEndSignal& message, Respond& respond);
    void handle(Account& account, const Origin& origin, LinkInitiate& message, Respond& respond);
    void handle(Account& account, const Origin& origin, LinkPending& message, Respond& respond);
    void handle(Account& account, const Origin& origin, LinkAccept& message, Respond& respond);
    void handle(Account& account, const Origin& origin, LinkCandidates& message, Respond& respond);
    void handle(Account& account, const Origin& origin, LinkRestart& message, Respond& respond);
    void handle(Account& account, const Origin& origin, LinkTerminate& message, Respond& respond);
    void handle(Account& account, const Origin& origin, ServiceQuery& message, Respond& respond);
    void handle(Account& account, const Origin& origin, PingSignal& message, Respond& respond);
    LinkSession* session_of(const Account& account, const Origin& origin, const LinkId& id, Respond& respond);

    void receive_request(Account& account, const Origin& origin, const LinkInitiate& message, const Decision& decision);

    // broker_rooms.cpp
    void on_room(Account& account, const ContactAddress& room, const ports::RoomChanged& changed);
    void on_room(Account& account, const ContactAddress& room, const ports::OccupantRenamed& renamed);
    void on_room(Account& account, const ContactAddress& room, const ports::OccupantLeft& left);
    template <class Other>
    void on_room(Account&, const ContactAddress&, const Other&) {}
    /// Ends links, tubes and requests of occupants that `is_over` names.
    void drop_occupants(const ports::AccountName& account, const ContactAddress& room, Errc reason,
                        const std::function<bool(const PeerAddress&)>& is_over);
    void announce(Account& account, const ContactAddress& room);
    void announce_everywhere();
    result<void> check_room_share(const ShareSpec& spec) const;
    Asker asker_of(const Account& account, const Origin& origin) const;
    AddressPolicy addresses_for(const Asker& asker, const PublicKey& key, bool known) const;
    /// Completes what begins a link with an occupant. offline, key_changed.
    result<void> aim_at_occupant(TubeRecord& tube, Account& account, SessionOrigin& origin);

    // broker_queries.cpp
    void ping_peer(Account& account, const PeerAddress& peer, std::chrono::milliseconds deadline,
                   std::function<void(result<PingResult>)> arrived);

    // broker_requests.cpp: what the peer asks of us
    Decision decide(const Asker& asker, const PublicKey& key, const TubeRequest& request);
    void note_key(const Asker& asker, const PublicKey& key, KeyStanding standing);
    void grant_initiate(LinkSession& session, const TubeRequest& request, Parameters parameters, TubeCallback callback);
    void grant_open(LinkSession& session, const TubeRequest& request, Parameters parameters, TubeCallback callback);
    result<void> wait_for_user(LinkSession& session, const TubeRequest& request, const Decision& decision,
                               bool stranger, bool by_control);
    void expire_pending(const OfferId& id);
    void end_pending(const OfferId& id, Errc reason);
    void refuse_waiting(WaitingRequest& waiting, Errc reason);
    void answer_request(WaitingRequest waiting, bool accept, TubeCallback callback);
    void on_tube_open_message(LinkSession& session, const TubeOpen& message);
    TubeRecord& add_incoming(LinkSession& session, const TubeRequest& request, Parameters parameters,
                             TubeCallback callback);
    std::size_t count_incoming(const std::string& service) const;

    // broker_connect.cpp: what we ask of the peer
    TubeRecord& add_outgoing(const ports::AccountName& account, TubeRequest request, TubeCallback callback,
                             std::chrono::milliseconds deadline);
    void expire_tube(const TubeId& id);
    void look_for_contact(TubeRecord& tube);
    /// Tubes that wait for `contact` (null: any of the account's) look again.
    void contact_may_be_there(const Account& account, const ContactAddress* contact);
    void choose_peer(TubeRecord& tube, Account& account, const std::vector<PeerAddress>& peers);
    /// A device that was asked first and is silent may be dead: others that turn up are asked, too.
    void look_beyond(TubeRecord& tube, Account& account);
    bool is_unanswered(const TubeRecord& tube);
    bool ask_those_left(TubeRecord& tube);
    void drop_request(TubeRecord& tube);
    void on_choice(const std::shared_ptr<ServiceChoice>& choice, bool all_replied);
    void start_on_peer(TubeRecord& tube, const PeerAddress& peer);
    void ask_on_link(TubeRecord& tube, LinkSession& session);
    void request_failed(TubeRecord& tube, Errc reason);
    void retry_tube(TubeRecord& tube);
    void on_tube_opened(LinkSession& session, const TubeOpened& message);
    void on_tube_closed_message(LinkSession& session, const TubeClosed& message);
    void tube_is_open(TubeRecord& tube);
    void end_tube(const TubeId& id, Errc reason, bool tell);
    TubeStatus status_of(const TubeRecord& tube) const;

    // broker_links.cpp
    LinkSession& add_session(Account& account, SessionOrigin origin);
    LinkSession* find_session(const LinkId& id);
    LinkSession* accepted_session(const ports::AccountName& account, const PeerAddress& peer,
                                  const LinkSession* other_than = nullptr);
    /// Closes and forgets it; the caller decides what becomes of the tubes, which are returned.
    std::set<TubeId> close_session(LinkSession& session, Errc reason, bool tell,
                                   std::optional<LinkId> survivor = std::nullopt);
    /// Closes it and ends its tubes.
    void end_session(LinkSession& session, Errc reason, bool tell);
    void lose_tube(const TubeId& id, Errc reason);
    void settle_glare(LinkSession& fresh);
    void move_to_survivor(LinkSession& session, const std::optional<LinkId>& survivor);
    void release_tube(const LinkId& link, const TubeId& tube);
    void arm_linger(LinkSession& session);
    Asker asker_of(const LinkSession& session) const;

    // broker_offers.cpp
    void spread_offer(const OfferId& id, StandingOffer& offer);
    void send_offer_end(const StandingOffer& offer, const OfferId& id, OfferEnd end,
                        const std::optional<PeerAddress>& except);
    void end_offer(const OfferId& id, Errc reason, OfferEnd end, const std::optional<PeerAddress>& except);
    void answer_offer(WaitingRequest waiting, bool accept, TubeCallback callback);
    void accept_offer(const PendingRequest& offer, TubeCallback callback, bool automatic);

    // broker_impl.cpp
    Account* find_account(const ports::AccountName& name);
    TubeRecord* find_tube(const TubeId& id);
    TimePoint now() const { return environment_.scheduler->now(); }
    void later(std::function<void()> task);
    template <class Call>
    void notify(Call call) {
        later([this, call]() mutable { call(handler_); });
    }
    void call_back(TubeCallback& callback, result<TubeStatus> outcome);
    template <class Id>
    Id random_id() const {
        Id id;
        environment_.crypto->random(id.bytes);
        return id;
    }
    std::unique_ptr<ports::Scheduler::Timer> after(std::chrono::milliseconds delay, std::function<void()> task);
    void remember_ended(const LinkId& id);
    bool has_ended(const LinkId& id) const;
    void send(Account& account, const PeerAddress& peer, Signal signal);
    void re_decide(const TubeId& id);

    Environment environment_;
    BrokerLimits limits_;
    LinkLimits link_limits_;
    Handler& handler_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    KeyBook keys_;
    ShareTable shares_;
    OfferTable offers_;
    PendingRequests pending_;
    Consent consent_;
    SignalLimiter limiter_;
    std::map<ports::AccountName, std::unique_ptr<Account>> accounts_;
    std::map<TubeId, TubeRecord> tubes_;
    /// Rooms we are in or asked to join, and which addresses the user allows there.
    std::map<std::pair<ports::AccountName, ContactAddress>, std::optional<AddressPolicy>> rooms_;
    std::deque<LinkId> ended_links_;
    std::deque<OfferId> answered_offers_;
    std::map<LinkId, std::unique_ptr<LinkSession>> sessions_;
    std::map<const LinkSession*, std::unique_ptr<LinkSession>> leaving_;  // Closed, last frames not out yet.
    std::map<LinkId, std::shared_ptr<WebSession>> web_sessions_;
};

}  // namespace tubes::core
