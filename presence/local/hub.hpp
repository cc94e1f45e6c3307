// SPDX-License-Identifier: GPL-3.0-or-later
// Everything of the local protocol that lives on the loop: sessions, requests and replies, and the way to the rooms.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <set>

#include "presence/local/local_connection.hpp"
#include "presence/local/local_rooms.hpp"
#include "presence/local/meeting_place.hpp"
#include "presence/local/session.hpp"

namespace tubes::presence::local {

/// A request of ours that waits for its answer.
struct Waiting {
    std::string peer;
    core::ports::Connection::SignalCallback callback;
    std::unique_ptr<boost::asio::steady_timer> deadline;
};

/// Operations in flight hold it weakly.
class Hub final : public Session::Handler, public std::enable_shared_from_this<Hub>, private LocalRooms::Surroundings {
public:
    Hub(boost::asio::any_io_executor executor, LocalConfiguration configuration)
        : executor_(std::move(executor)),
          configuration_(std::move(configuration)),
          rooms_(configuration_.name, *this),
          acceptor_(executor_),
          meeting_deadline_(executor_) {}

    using Connection = core::ports::Connection;
    using ConnectionState = core::ports::ConnectionState;
    using PeerAddress = core::PeerAddress;
    using Signal = core::Signal;
    using SignalReply = core::SignalReply;

    void start(Connection::Handler& handler);
    void close();
    void send(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
              Connection::SignalCallback callback);
    core::ports::Contact self_contact() const;
    PeerAddress peer_address(const std::string& name) const {
        return {core::ContactAddress{std::string(kSelf)}, std::string(kSelf) + "/" + name};
    }

    LocalRooms& rooms() { return rooms_; }
    ConnectionState state() const { return state_; }
    const std::string& name() const { return configuration_.name; }
    void no_ice_servers(std::function<void(std::vector<core::ports::IceServer>)> callback) {
        later([callback = std::move(callback)](Hub&) { callback({}); });
    }
    /// The connection goes: nobody is told any more.
    void detach() {
        handler_ = nullptr;
        close();
    }

    void on_ready(Session& session) override;
    void on_frame(Session& session, Frame frame) override;
    void on_session_closed(Session& session) override;

private:
    using Contact = core::ports::Contact;
    using SessionPointer = std::shared_ptr<Session>;

    void open();
    void accept();
    void meet(const std::string& name);
    void met(const Session* session);
    void go_online();
    const Session* add(Session::Socket socket);
    void on_request(Session& session, std::uint64_t id, base::ByteView signal, core::ports::SignalOrigin origin);
    void on_room_request(Session& session, const Frame& frame);
    void on_news(Session& session, const Frame& frame);
    void settle(const std::string& node);
    void on_answer(const std::string& peer, const Frame& frame);
    void answer(const std::weak_ptr<Session>& to, std::uint64_t id, const result<SignalReply>& reply);
    void finish(std::uint64_t id, result<SignalReply> reply);
    void set_state(ConnectionState state, error_code reason, const std::string& detail);
    Session* session_with(const std::string& name) const;

    bool is_online() const override { return state_ == ConnectionState::online; }
    void send(const std::string& node, const RoomNews& news) override;
    void send_to_all(const RoomNews& news) override;
    void tell(core::ports::RoomEvent event) override;

    template <class Function>
    void later(Function function) {
        boost::asio::post(executor_, [weak = weak_from_this(), function = std::move(function)]() mutable {
            auto self = weak.lock();
            if (self) function(*self);
        });
    }

    boost::asio::any_io_executor executor_;
    LocalConfiguration configuration_;
    LocalRooms rooms_;
    Connection::Handler* handler_ = nullptr;
    std::optional<MeetingPlace> place_;
    boost::asio::local::stream_protocol::acceptor acceptor_;
    boost::asio::steady_timer meeting_deadline_;
    std::size_t connecting_ = 0;        // connections to nodes that were here first
    std::set<const Session*> awaited_;  // of those, the ones that have not told of themselves
    std::set<std::string> settled_;     // nodes that have told which rooms they are in
    std::set<SessionPointer> sessions_;
    std::map<std::string, std::weak_ptr<Session>> ready_;  // the first session with a peer, so that order holds
    std::map<std::uint64_t, Waiting> waiting_;
    std::map<std::string, std::size_t> unanswered_;  // requests of a peer that we have not answered
    std::uint64_t next_id_ = 1;
    ConnectionState state_ = ConnectionState::offline;
    bool published_ = false;
};

}  // namespace tubes::presence::local
