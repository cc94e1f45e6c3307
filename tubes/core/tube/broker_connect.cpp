// SPDX-License-Identifier: GPL-3.0-or-later
// The broker's outgoing side: which device to ask, asking it, and what becomes of a tube from then on.
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kChoiceDeadline{3000};  // Devices that have not listed their services by then are left out.
constexpr std::size_t kMaxChoices = 16;        // Devices of one contact that are asked.
constexpr milliseconds kRetryDelay{250};       // Before a new link replaces one that was lost before a tube opened.
constexpr int kMaxRetries = 3;

bool has_service(const Broker::PeerServices& services, const TubeRequest& request) {
    return std::any_of(services.services.begin(), services.services.end(), [&request](const ServiceInfo& info) {
        return info.name == request.service && info.kind == request.kind;
    });
}

}  // namespace

/// The replies to one connect()'s question "which of you has this service?".
struct BrokerImpl::ServiceChoice {
    TubeId tube;
    std::size_t waiting = 0;
    bool decided = false;
    bool beyond = false;  ///< One device has been asked for the tube already.
    bool somebody_there = false;
    std::vector<PeerServices> replies;  ///< Those that have come since the last look.
    std::vector<PeerAddress> first;     ///< Have the service; their key would be the contact's first.
    std::optional<PeerServices> changed;
};

TubeRecord& BrokerImpl::add_outgoing(const ports::AccountName& account, TubeRequest request, TubeCallback callback,
                                     milliseconds deadline) {
    const auto id = request.tube;
    auto& tube = tubes_[id];
    tube.status.id = id;
    tube.status.account = account;
    tube.status.service = request.service;
    tube.status.offer = request.offer;
    tube.status.kind = request.kind;
    tube.status.parameters = request.parameters;
    tube.status.state = TubeState::connecting;
    tube.request = std::move(request);
    tube.callback = std::move(callback);
    tube.started = now();
    tube.deadline = after(deadline, [this, id] { expire_tube(id); });
    return tube;
}

void BrokerImpl::expire_tube(const TubeId& id) {
    const auto* tube = find_tube(id);
    if (!tube) return;
    auto reason = Errc::timed_out;
    if (tube->stage == TubeStage::waiting_for_contact) {
        auto* account = find_account(tube->status.account);
        const bool online = account && account->connection().state() == ports::ConnectionState::online;
        reason = online ? Errc::offline : Errc::not_connected;
    }
    end_tube(id, reason, true);
}

TubeId BrokerImpl::connect(ConnectSpec spec, TubeCallback callback) {
    TubeRequest request{random_id<TubeId>(), spec.service, spec.kind, std::nullopt, spec.parameters};
    const auto id = request.tube;
    auto& tube = add_outgoing(spec.account, std::move(request), std::move(callback), spec.deadline);
    tube.status.peer.contact = spec.contact;
    tube.wanted = spec.peer;
    tube.status.room = spec.room;
    const auto fail = [this, id](Errc reason) {
        end_tube(id, reason, false);
        return id;
    };
    const bool valid = is_valid_service_name(spec.service) && check_parameters(spec.parameters) &&
                       (!spec.peer || spec.peer->contact == spec.contact) && (!spec.room || spec.peer);
    if (!valid) return fail(Errc::invalid_argument);
    if (!find_account(spec.account)) return fail(Errc::not_found);
    look_for_contact(tube);
    return id;
}

// Right after a log-in presence is still arriving, and a contact may come any moment: whoever waits is told when.
void BrokerImpl::look_for_contact(TubeRecord& tube) {
    auto* account = find_account(tube.status.account);
    const auto state = account ? account->connection().state() : ports::ConnectionState::offline;
    if (state == ports::ConnectionState::offline) return end_tube(TubeId(tube.status.id), Errc::not_connected, false);
    tube.stage = TubeStage::waiting_for_contact;
    if (state == ports::ConnectionState::connecting) return;
    const auto peers =
        tube.wanted ? std::vector<PeerAddress>{*tube.wanted} : account->tube_peers(tube.status.peer.contact);
    if (peers.empty()) return;
    tube.stage = TubeStage::choosing;
    choose_peer(tube, *account, peers);
}

void BrokerImpl::contact_may_be_there(const Account& account, const ContactAddress* contact) {
    std::vector<TubeId> waiting;
    for (const auto& [id, tube] : tubes_) {
        const bool concerned =
            tube.status.account == account.name() && (contact == nullptr || tube.status.peer.contact == *contact);
        const bool looks = tube.stage == TubeStage::waiting_for_contact || tube.stage == TubeStage::requesting;
        if (concerned && looks) waiting.push_back(id);
    }
    for (const auto& id : waiting) {
        auto* tube = find_tube(id);
        auto* owner = tube ? find_account(tube->status.account) : nullptr;
        if (tube && tube->stage == TubeStage::waiting_for_contact) {
            look_for_contact(*tube);
        } else if (tube && owner && is_unanswered(*tube)) {
            look_beyond(*tube, *owner);
        }
    }
}

bool BrokerImpl::is_unanswered(const TubeRecord& tube) {
    const bool may_be_another = !tube.wanted && !tube.status.room && !tube.request.offer;
    if (tube.stage != TubeStage::requesting || tube.peer_answers || !may_be_another) return false;
    const auto* session = find_session(tube.status.link);
    return session && session->state() == SessionState::requesting;
}

// Servers list a device whose process was killed until they notice, which may take a minute.
void BrokerImpl::look_beyond(TubeRecord& tube, Account& account) {
    const auto peers = account.tube_peers(tube.status.peer.contact);
    const auto is_new = [&tube](const PeerAddress& peer) {
        return std::find(tube.considered.begin(), tube.considered.end(), peer) == tube.considered.end();
    };
    if (tube.considered.size() < kMaxChoices && std::any_of(peers.begin(), peers.end(), is_new)) {
        choose_peer(tube, account, peers);
    }
}

void BrokerImpl::drop_request(TubeRecord& tube) {
    const auto link = std::exchange(tube.status.link, {});
    auto* session = find_session(link);
    if (!session) return;
    session->tubes.erase(tube.status.id);
    if (session->tubes.empty()) close_session(*session, Errc::cancelled, true);
}

void BrokerImpl::choose_peer(TubeRecord& tube, Account& account, const std::vector<PeerAddress>& peers) {
    const bool beyond = tube.stage == TubeStage::requesting;
    tube.considered.insert(tube.considered.end(), peers.begin(), peers.end());
    if (peers.size() == 1 && !beyond) return start_on_peer(tube, peers.front());
    auto choice = std::make_shared<ServiceChoice>();
    choice->tube = tube.status.id;
    choice->beyond = beyond;
    choice->waiting = std::min(peers.size(), kMaxChoices);
    std::weak_ptr<int> alive = alive_;
    for (std::size_t index = 0; index < choice->waiting; ++index) {
        const auto& peer = peers[index];
        account.connection().send_signal(
            peer, ServiceQuery{}, kChoiceDeadline, [this, alive, choice, peer](result<SignalReply> reply) {
                if (alive.expired()) return;
                --choice->waiting;
                const auto* list = reply ? std::get_if<ServiceList>(&*reply) : nullptr;
                if (list) choice->replies.push_back({peer, list->identity, list->services});
                choice->somebody_there = choice->somebody_there || reply || reply.error() != Errc::offline;
                on_choice(choice, choice->waiting == 0);
            });
    }
}

void BrokerImpl::on_choice(const std::shared_ptr<ServiceChoice>& choice, bool all_replied) {
    auto* tube = find_tube(choice->tube);
    if (!tube || (choice->beyond && !is_unanswered(*tube))) return;
    auto* account = find_account(tube->status.account);
    if (!account) return end_tube(choice->tube, Errc::not_connected, false);
    for (const auto& reply : std::exchange(choice->replies, {})) {
        if (choice->beyond && reply.peer == tube->status.peer) choice->decided = true;  // It is not dead, only slow.
        if (!has_service(reply, tube->request)) continue;
        const Asker asker{account->name(), reply.peer.contact, account->is_same_user(reply.peer.contact)};
        switch (consent_.standing(asker, reply.identity)) {
            // Late replies too: they are tried if the device that was chosen does not work out.
            case KeyStanding::known: tube->alternatives.push_back(reply.peer); break;
            case KeyStanding::first: choice->first.push_back(reply.peer); break;
            case KeyStanding::new_key: choice->changed = reply; break;
        }
    }
    if (choice->decided || (tube->alternatives.empty() && !all_replied)) return;
    choice->decided = true;
    if (tube->alternatives.empty()) tube->alternatives = choice->first;
    if (choice->beyond) {
        if (tube->alternatives.empty()) return;
        drop_request(*tube);
    }
    if (!tube->alternatives.empty()) return request_failed(*tube, Errc::not_available);  // On to the first of them.
    if (const auto& changed = choice->changed) {
        note_key({account->name(), changed->peer.contact, false}, changed->identity, KeyStanding::new_key);
        return end_tube(choice->tube, Errc::key_changed, false);
    }
    end_tube(choice->tube, choice->somebody_there ? Errc::not_available : Errc::offline, false);
}

void BrokerImpl::start_on_peer(TubeRecord& tube, const PeerAddress& peer) {
    const auto id = tube.status.id;
    auto* account = find_account(tube.status.account);
    if (!account) return end_tube(id, Errc::not_connected, false);
    tube.status.peer = peer;
    if (auto* session = accepted_session(tube.status.account, peer)) return ask_on_link(tube, *session);
    if (sessions_.size() >= limits_.links) return end_tube(id, Errc::limit_exceeded, false);
    const auto contact = account->find(peer.contact);
    SessionOrigin origin;
    origin.id = random_id<LinkId>();
    origin.account = tube.status.account;
    origin.peer = peer;
    origin.role = LinkRole::initiator;
    origin.same_user = account->is_same_user(peer.contact);
    origin.listed = contact && std::any_of(contact->peers.begin(), contact->peers.end(),
                                           [&peer](const auto& entry) { return entry.address == peer; });
    origin.first = tube.request;
    if (tube.status.room) {
        if (auto aimed = aim_at_occupant(tube, *account, origin); !aimed) {
            return end_tube(id, to_errc(aimed.error(), Errc::internal), false);
        }
    } else {
        const Asker asker{tube.status.account, peer.contact, origin.same_user};
        origin.addresses = addresses_for(asker, {}, contact || origin.same_user);
    }
    auto& session = add_session(*account, std::move(origin));
    tube.stage = TubeStage::requesting;
    tube.peer_answers = false;
    tube.status.state = TubeState::pending;
    tube.status.link = session.id();
    session.tubes.insert(id);
    tube.reached("requested", now());
    session.initiate();
}

void BrokerImpl::ask_on_link(TubeRecord& tube, LinkSession& session) {
    const auto id = tube.status.id;
    if (tube.expected_key && *tube.expected_key != session.peer_key()) {
        return end_tube(id, Errc::identity_mismatch, false);
    }
    if (!session.tubes.contains(id) && session.tubes.size() >= limits_.tubes_per_link) {
        return end_tube(id, Errc::limit_exceeded, false);
    }
    session.tubes.insert(id);
    session.linger.reset();
    tube.status.link = session.id();
    tube.status.peer_key = session.peer_key();
    tube.stage = TubeStage::waiting_for_link;
    tube.reached("requested", now());
    if (session.state() != SessionState::open && session.state() != SessionState::stalled) return;
    tube.stage = TubeStage::asked;
    session.link()->send_control(TubeOpen{tube.request});
}

void BrokerImpl::request_failed(TubeRecord& tube, Errc reason) {
    // Another device may have what this one has not; a person's "no" holds for all of them.
    const bool may_go_on = reason == Errc::not_available || reason == Errc::offline || reason == Errc::timed_out;
    if (reason == Errc::offline && tube.alternatives.empty() && ask_those_left(tube)) return;
    if (!may_go_on || tube.alternatives.empty()) return end_tube(tube.status.id, reason, false);
    const auto next = tube.alternatives.front();
    tube.alternatives.erase(tube.alternatives.begin());
    start_on_peer(tube, next);
}

// Another device may have turned up while one was asked that is gone now.
bool BrokerImpl::ask_those_left(TubeRecord& tube) {
    auto* account = find_account(tube.status.account);
    if (!account || tube.wanted || tube.status.room || tube.request.offer) return false;
    tube.gone.push_back(tube.status.peer);
    auto peers = account->tube_peers(tube.status.peer.contact);
    std::erase_if(peers, [&tube](const PeerAddress& peer) {
        return std::find(tube.gone.begin(), tube.gone.end(), peer) != tube.gone.end();
    });
    if (peers.empty() || tube.gone.size() > kMaxChoices) return false;
    tube.stage = TubeStage::choosing;
    choose_peer(tube, *account, peers);
    return true;
}

void BrokerImpl::retry_tube(TubeRecord& tube) {
    const auto id = tube.status.id;
    if (++tube.retries > kMaxRetries) return end_tube(id, Errc::broken, false);
    tube.stage = TubeStage::waiting_for_link;
    tube.status.link = {};
    tube.retry = after(kRetryDelay * tube.retries, [this, id] {
        if (auto* waiting = find_tube(id)) start_on_peer(*waiting, PeerAddress(waiting->status.peer));
    });
}

void BrokerImpl::on_tube_opened(LinkSession& session, const TubeOpened& message) {
    auto* tube = find_tube(message.tube);
    if (!tube || tube->status.link != session.id() || tube->stage != TubeStage::asked) return;
    if (message.refusal) {
        release_tube(session.id(), message.tube);
        tube->status.link = {};
        return request_failed(*tube, from_peer(*message.refusal));
    }
    if (message.pending) {
        tube->status.state = TubeState::pending;
        return;
    }
    if (!message.parameters.empty()) tube->status.parameters = message.parameters;
    tube->reached("accepted", now());
    tube_is_open(*tube);
}

void BrokerImpl::on_tube_closed_message(LinkSession& session, const TubeClosed& message) {
    if (auto* waiting = pending_.find_tube(message.tube); waiting && waiting->link == session.id()) {
        return end_pending(OfferId(waiting->request.id), Errc::cancelled);
    }
    auto* tube = find_tube(message.tube);
    if (tube && tube->status.link == session.id()) end_tube(message.tube, from_peer(message.reason), false);
}

void BrokerImpl::tube_is_open(TubeRecord& tube) {
    auto* session = find_session(tube.status.link);
    const bool has_datagrams = !session || !session->link() || session->report().status.largest_datagram > 0;
    if (tube.status.kind == TubeKind::datagram && !has_datagrams) {
        return later([this, id = tube.status.id] { end_tube(id, Errc::unsupported, true); });
    }
    tube.stage = TubeStage::open;
    tube.status.state = TubeState::open;
    tube.deadline.reset();
    tube.reached("open", now());
    const auto status = status_of(tube);
    const bool report = tube.status.incoming || tube.automatic;
    if (report) notify([status](Handler& handler) { handler.on_tube_open(status); });
    call_back(tube.callback, status);
}

void BrokerImpl::end_tube(const TubeId& id, Errc reason, bool tell) {
    auto node = tubes_.extract(id);
    if (node.empty()) return;
    auto& tube = node.mapped();
    auto* session = find_session(tube.status.link);
    const bool known_to_peer =
        tube.stage == TubeStage::open || tube.stage == TubeStage::asked || tube.stage == TubeStage::granted;
    if (session && tell && known_to_peer && session->link()) session->link()->send_control(TubeClosed{id, reason});
    tube.streams.reset_all(reason);
    const bool was_open = tube.stage == TubeStage::open;
    call_back(tube.callback, make_error_code(reason));
    if (was_open) notify([id, reason](Handler& handler) { handler.on_tube_closed(id, reason); });
    if (session) release_tube(session->id(), id);
    end_web(tube.status.link, reason, tell);
}

void BrokerImpl::close_tube(const TubeId& id, Errc reason) {
    end_tube(id, reason, true);
}

result<std::shared_ptr<Stream>> BrokerImpl::open_stream(const TubeId& id) {
    auto* tube = find_tube(id);
    if (!tube || tube->stage != TubeStage::open) return make_error_code(Errc::not_found);
    auto* session = find_session(tube->status.link);
    if (!session || !session->link()) return make_error_code(Errc::broken);
    auto stream = session->link()->open_stream(id);
    if (stream) tube->streams.add(*stream);
    return stream;
}

}  // namespace tubes::core
