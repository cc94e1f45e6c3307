// SPDX-License-Identifier: GPL-3.0-or-later
// Peers, requests and replies of the local protocol.
#include "presence/local/hub.hpp"

#include "tubes/base/log.hpp"
#include "tubes/core/wire/signal_codec.hpp"

namespace tubes::presence::local {

using namespace core;
using core::ports::Connection;
using core::ports::ConnectionState;

namespace {

constexpr std::size_t kMaxPeers = 256;              // nodes of one user on one machine
constexpr std::chrono::milliseconds kMeeting{500};  // for the nodes that are here already to say who they are
constexpr std::size_t kMaxRequestsPerPeer = 256;    // unanswered, each way

}  // namespace

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
    if (added) rooms_.on_node(session.peer_name());
    if (settled_.contains(session.peer_name())) met(&session);
}

void Hub::settle(const std::string& node) {
    settled_.insert(node);
    std::erase_if(awaited_, [&node](const Session* session) { return session->peer_name() == node; });
    met(nullptr);
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
    if (ready_.contains(name)) return;
    settled_.erase(name);
    rooms_.on_node_gone(name);
    if (handler_) handler_->on_contact(self_contact());
}

void Hub::send(const PeerAddress& to, Signal signal, std::chrono::milliseconds deadline,
               Connection::SignalCallback callback) {
    const auto slash = to.value.find('/');
    const auto in_room = rooms_.target_of(to);
    auto name = slash == std::string::npos ? std::string() : to.value.substr(slash + 1);
    if (in_room) name = in_room->node;
    // An occupant's nickname is no node's name.
    if (!in_room && to.contact.value != kSelf) name.clear();
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
    auto payload = wire::encode(signal);
    if (!in_room) return session->send({FrameType::request, id, std::move(payload)});
    session->send({FrameType::room_request, id, encode_room_request(in_room->room, payload)});
}

void Hub::on_frame(Session& session, Frame frame) {
    switch (frame.type) {
        case FrameType::request:
            return on_request(session, frame.id, frame.payload, {peer_address(session.peer_name()), true, true});
        case FrameType::reply: return on_answer(session.peer_name(), frame);
        case FrameType::room: return on_news(session, frame);
        case FrameType::room_request: return on_room_request(session, frame);
        case FrameType::hello: return;  // said once already; harmless
    }
}

void Hub::on_news(Session& session, const Frame& frame) {
    const auto name = session.peer_name();
    auto news = parse_room_news(frame.payload);
    if (news && news->kind == RoomNews::Kind::settled) return settle(name);
    const auto error = news ? rooms_.on_news(name, std::move(*news)) : news.error();
    if (error) base::logger("local")->warn("{}: news of a room are not taken: {}", name, error.message());
}

void Hub::send(const std::string& node, const RoomNews& news) {
    if (auto* session = session_with(node)) session->send({FrameType::room, 0, encode(news)});
}

void Hub::send_to_all(const RoomNews& news) {
    const Frame frame{FrameType::room, 0, encode(news)};
    for (const auto& [name, weak] : ready_) {
        if (const auto session = weak.lock()) session->send(frame);
    }
}

void Hub::tell(core::ports::RoomEvent event) {
    later([event = std::move(event)](Hub& self) {
        if (self.handler_) self.handler_->on_room_event(event);
    });
}

void Hub::on_room_request(Session& session, const Frame& frame) {
    const auto request = parse_room_request(frame.payload);
    const auto from = request ? rooms_.address_in(request->room, session.peer_name()) : std::nullopt;
    if (!from) return answer(session.weak_from_this(), frame.id, make_error_code(Errc::offline));
    const auto room = rooms_.parse_room(request->room);
    on_request(session, frame.id, request->signal, {*from, false, true, *room});
}

void Hub::on_request(Session& session, std::uint64_t id, base::ByteView payload, core::ports::SignalOrigin origin) {
    const auto name = session.peer_name();
    const std::weak_ptr<Session> weak_session = session.weak_from_this();
    auto signal = wire::decode_signal(payload);
    if (!signal) return answer(weak_session, id, make_error_code(Errc::protocol_violation));
    auto& count = unanswered_[name];
    if (count >= kMaxRequestsPerPeer) return answer(weak_session, id, make_error_code(Errc::limit_exceeded));
    ++count;
    auto respond = [weak = weak_from_this(), weak_session, name, id](result<SignalReply> reply) {
        auto self = weak.lock();
        if (!self) return;
        if (auto found = self->unanswered_.find(name); found != self->unanswered_.end() && found->second > 0) {
            --found->second;
        }
        self->answer(weak_session, id, reply);
    };
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
    rooms_.close();
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

}  // namespace tubes::presence::local
