// SPDX-License-Identifier: GPL-3.0-or-later
// Peers, requests and replies of the local protocol.
#include "presence/local/local_connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <set>

#include "presence/local/meeting_place.hpp"
#include "presence/local/session.hpp"
#include "tubes/base/log.hpp"
#include "tubes/core/wire/signal_codec.hpp"

namespace tubes::presence::local {
namespace {

using namespace core;
using core::ports::Connection;
using core::ports::ConnectionState;
using Protocol = boost::asio::local::stream_protocol;

constexpr std::size_t kMaxPeers = 256;              // nodes of one user on one machine
constexpr std::chrono::milliseconds kMeeting{500};  // for the nodes that are here already to say who they are
constexpr std::size_t kMaxRequestsPerPeer = 256;    // unanswered, each way

/// A request of ours that waits for its answer.
struct Waiting {
    std::string peer;
    Connection::SignalCallback callback;
    std::unique_ptr<boost::asio::steady_timer> deadline;
};

/// Everything that lives on the loop; operations in flight hold it weakly.
class Hub final : public Session::Handler, public std::enable_shared_from_this<Hub> {
public:
    Hub(boost::asio::any_io_executor executor, LocalConfiguration configuration)
        : executor_(std::move(executor)),
          configuration_(std::move(configuration)),
          acceptor_(executor_),
          meeting_deadline_(executor_) {}

    void start(Connection::Handler& handler);
    void close();
    void send(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
              Connection::SignalCallback callback);
    core::ports::Contact self_contact() const;
    PeerAddress peer_address(const std::string& name) const {
        return {ContactAddress{std::string(kSelf)}, std::string(kSelf) + "/" + name};
    }

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
    void on_request(Session& session, Frame frame);
    void on_answer(const std::string& peer, const Frame& frame);
    void answer(const std::weak_ptr<Session>& to, std::uint64_t id, const result<SignalReply>& reply);
    void finish(std::uint64_t id, result<SignalReply> reply);
    void set_state(ConnectionState state, error_code reason, const std::string& detail);
    Session* session_with(const std::string& name) const;
    template <class Function>
    void later(Function function) {
        boost::asio::post(executor_, [weak = weak_from_this(), function = std::move(function)]() mutable {
            auto self = weak.lock();
            if (self) function(*self);
        });
    }

    boost::asio::any_io_executor executor_;
    LocalConfiguration configuration_;
    Connection::Handler* handler_ = nullptr;
    std::optional<MeetingPlace> place_;
    Protocol::acceptor acceptor_;
    boost::asio::steady_timer meeting_deadline_;
    std::size_t connecting_ = 0;        // connections to nodes that were here first
    std::set<const Session*> awaited_;  // of those, the ones that have not said who they are
    std::set<SessionPointer> sessions_;
    std::map<std::string, std::weak_ptr<Session>> ready_;  // the first session with a peer, so that order holds
    std::map<std::uint64_t, Waiting> waiting_;
    std::map<std::string, std::size_t> unanswered_;  // requests of a peer that we have not answered
    std::uint64_t next_id_ = 1;
    ConnectionState state_ = ConnectionState::offline;
    bool published_ = false;
};

void Hub::start(Connection::Handler& handler) {
    handler_ = &handler;
    set_state(ConnectionState::connecting, {}, "");
    later([](Hub& self) { self.open(); });
}

void Hub::open() {
    if (state_ != ConnectionState::connecting) return;
    auto place = MeetingPlace::open(configuration_.directory);
    if (!place) {
        const auto text = configuration_.directory.string() + " must be a directory of yours with mode 0700";
        return set_state(ConnectionState::offline, place.error(), text);
    }
    place_ = std::move(*place);
    if (auto published = place_->publish(acceptor_, configuration_.name); !published) {
        const auto text = "cannot listen in " + configuration_.directory.string() + " as " + configuration_.name;
        return set_state(ConnectionState::offline, published.error(), text);
    }
    published_ = true;
    accept();
    // Nodes that publish after this list was read find us in theirs.
    for (const auto& name : place_->names()) meet(name);
    if (connecting_ == 0) return go_online();
    meeting_deadline_.expires_after(kMeeting);
    meeting_deadline_.async_wait([weak = weak_from_this()](error_code error) {
        auto self = weak.lock();
        if (self && !error) self->go_online();
    });
}

// Online means that whoever was here before is known: a program that asks at once who has a service must not find the
// first node that answered and miss the one that shares it.
void Hub::go_online() {
    if (state_ != ConnectionState::connecting) return;
    meeting_deadline_.cancel();
    awaited_.clear();
    set_state(ConnectionState::online, {}, "");
    later([](Hub& self) {
        if (self.handler_) self.handler_->on_contact(self.self_contact());
    });
}

void Hub::met(const Session* session) {
    awaited_.erase(session);
    if (connecting_ == 0 && awaited_.empty()) go_online();
}

void Hub::accept() {
    acceptor_.async_accept([weak = weak_from_this()](error_code error, Session::Socket socket) {
        auto self = weak.lock();
        if (!self || !self->acceptor_.is_open()) return;
        if (!error && self->sessions_.size() < kMaxPeers) static_cast<void>(self->add(std::move(socket)));
        self->accept();
    });
}

void Hub::meet(const std::string& name) {
    if (name == configuration_.name) return;
    ++connecting_;
    auto socket = std::make_shared<Session::Socket>(executor_);
    socket->async_connect(place_->endpoint(name), [weak = weak_from_this(), socket, name](error_code error) {
        auto self = weak.lock();
        if (!self || self->state_ == ConnectionState::offline) return;
        --self->connecting_;
        if (error == boost::asio::error::connection_refused) self->place_->remove_dead(name);
        if (!error && self->sessions_.size() < kMaxPeers) self->awaited_.insert(self->add(std::move(*socket)));
        self->met(nullptr);
    });
}

const Session* Hub::add(Session::Socket socket) {
    auto session = std::make_shared<Session>(std::move(socket), configuration_.name, *this);
    sessions_.insert(session);
    session->start();
    return session.get();
}

Session* Hub::session_with(const std::string& name) const {
    const auto found = ready_.find(name);
    return found == ready_.end() ? nullptr : found->second.lock().get();
}

core::ports::Contact Hub::self_contact() const {
    Contact contact;
    contact.address.value = kSelf;
    contact.name = "this machine";
    contact.subscription = core::ports::Subscription::both;
    contact.is_self = true;
    for (const auto& [name, session] : ready_) {
        contact.peers.push_back({peer_address(name), core::ports::Presence::online, true, "Tubes"});
    }
    return contact;
}

void Hub::on_ready(Session& session) {
    const auto [place, added] = ready_.try_emplace(session.peer_name(), session.weak_from_this());
    if (added && handler_ && state_ == ConnectionState::online) handler_->on_contact(self_contact());
    met(&session);
}

void Hub::on_session_closed(Session& session) {
    const auto name = session.peer_name();
    const auto gone = session.shared_from_this();
    sessions_.erase(gone);
    met(&session);
    if (name.empty() || session_with(name) != &session) return;
    ready_.erase(name);
    for (const auto& other : sessions_) {
        if (other->peer_name() == name) ready_.try_emplace(name, other);
    }
    unanswered_.erase(name);
    std::vector<std::uint64_t> lost;
    for (const auto& [id, request] : waiting_) {
        if (request.peer == name) lost.push_back(id);
    }
    for (const auto id : lost) finish(id, make_error_code(Errc::offline));
    if (handler_ && !ready_.contains(name)) handler_->on_contact(self_contact());
}

void Hub::send(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
               Connection::SignalCallback callback) {
    const auto slash = to.value.find('/');
    const auto name = slash == std::string::npos ? std::string() : to.value.substr(slash + 1);
    Session* session = state_ == ConnectionState::online ? session_with(name) : nullptr;
    if (session == nullptr) {
        const auto reason = state_ == ConnectionState::online ? Errc::offline : Errc::not_connected;
        return later([callback = std::move(callback), reason](Hub&) { callback(make_error_code(reason)); });
    }
    const auto id = next_id_++;
    auto timer = std::make_unique<boost::asio::steady_timer>(executor_, deadline);
    timer->async_wait([weak = weak_from_this(), id](error_code error) {
        auto self = weak.lock();
        if (self && !error) self->finish(id, make_error_code(Errc::timed_out));
    });
    waiting_.emplace(id, Waiting{name, std::move(callback), std::move(timer)});
    session->send({FrameType::request, id, wire::encode(signal)});
}

void Hub::on_frame(Session& session, Frame frame) {
    switch (frame.type) {
        case FrameType::request: return on_request(session, std::move(frame));
        case FrameType::reply: return on_answer(session.peer_name(), frame);
        case FrameType::hello: return;  // said once already; harmless
    }
}

void Hub::on_request(Session& session, Frame frame) {
    const auto name = session.peer_name();
    const std::weak_ptr<Session> weak_session = session.weak_from_this();
    auto signal = wire::decode_signal(frame.payload);
    if (!signal) return answer(weak_session, frame.id, make_error_code(Errc::protocol_violation));
    auto& count = unanswered_[name];
    if (count >= kMaxRequestsPerPeer) return answer(weak_session, frame.id, make_error_code(Errc::limit_exceeded));
    ++count;
    auto respond = [weak = weak_from_this(), weak_session, name, id = frame.id](result<SignalReply> reply) {
        auto self = weak.lock();
        if (!self) return;
        if (auto found = self->unanswered_.find(name); found != self->unanswered_.end() && found->second > 0) {
            --found->second;
        }
        self->answer(weak_session, id, reply);
    };
    core::ports::SignalOrigin origin{peer_address(name), true, true};
    if (handler_) handler_->on_signal(origin, std::move(*signal), std::move(respond));
}

void Hub::answer(const std::weak_ptr<Session>& to, std::uint64_t id, const result<SignalReply>& reply) {
    auto session = to.lock();
    if (!session) return;
    session->send({FrameType::reply, id, wire::encode_reply(reply)});
}

void Hub::on_answer(const std::string& peer, const Frame& frame) {
    const auto found = waiting_.find(frame.id);
    if (found == waiting_.end() || found->second.peer != peer) return;
    finish(frame.id, wire::decode_reply(frame.payload));
}

void Hub::finish(std::uint64_t id, result<SignalReply> reply) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    auto callback = std::move(found->second.callback);
    waiting_.erase(found);
    callback(std::move(reply));
}

void Hub::set_state(ConnectionState state, error_code reason, const std::string& detail) {
    state_ = state;
    later([state, reason, detail](Hub& self) {
        if (self.handler_) self.handler_->on_state(state, reason, detail);
    });
}

void Hub::close() {
    if (state_ == ConnectionState::offline) return;
    if (published_) place_->withdraw(configuration_.name);
    published_ = false;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    meeting_deadline_.cancel();
    for (const auto& session : sessions_) session->close();
    sessions_.clear();
    ready_.clear();
    auto lost = std::move(waiting_);
    waiting_.clear();
    for (auto& [id, request] : lost) {
        later([callback = std::move(request.callback)](Hub&) { callback(make_error_code(Errc::cancelled)); });
    }
    set_state(ConnectionState::offline, {}, "");
}

/// The port; the hub behind it may outlive it by an operation in flight.
class LocalConnection final : public Connection {
public:
    LocalConnection(boost::asio::any_io_executor executor, LocalConfiguration configuration)
        : hub_(std::make_shared<Hub>(std::move(executor), std::move(configuration))) {}
    ~LocalConnection() override { hub_->detach(); }

    void start(Handler& handler) override { hub_->start(handler); }
    void close() override { hub_->close(); }
    ConnectionState state() const override { return hub_->state(); }
    std::vector<core::ports::Contact> contacts() const override { return {hub_->self_contact()}; }

    core::ports::ConnectionInfo info() const override {
        core::ports::ConnectionInfo info;
        info.protocol = "local";
        info.self.value = kSelf;
        info.self_peer = hub_->peer_address(hub_->name());
        info.security = "Unix sockets, same user";
        return info;
    }

    void send_signal(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
                     SignalCallback callback) override {
        hub_->send(to, std::move(signal), deadline, std::move(callback));
    }

    result<ContactAddress> parse_contact(std::string_view text) const override {
        if (!text.empty() && text != kSelf) return make_error_code(Errc::invalid_argument);
        return ContactAddress{std::string(kSelf)};
    }

    result<void> request_subscription(const ContactAddress&) override { return make_error_code(Errc::unsupported); }
    result<void> answer_subscription(const ContactAddress&, bool) override {
        return make_error_code(Errc::unsupported);
    }
    result<void> remove_contact(const ContactAddress&) override { return make_error_code(Errc::unsupported); }

    void find_ice_servers(std::function<void(std::vector<core::ports::IceServer>)> callback) override {
        hub_->no_ice_servers(std::move(callback));
    }

private:
    std::shared_ptr<Hub> hub_;
};

}  // namespace

std::unique_ptr<Connection> make_local_connection(boost::asio::any_io_executor executor,
                                                  LocalConfiguration configuration) {
    return std::make_unique<LocalConnection>(std::move(executor), std::move(configuration));
}

}  // namespace tubes::presence::local
