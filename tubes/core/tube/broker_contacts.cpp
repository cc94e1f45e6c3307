// SPDX-License-Identifier: GPL-3.0-or-later
// What connections say of themselves and of contacts, and what it means for links, requests and offers.
#include <algorithm>

#include "tubes/core/tube/broker_impl.hpp"

namespace tubes::core {

namespace {

bool is_there(const ports::Contact& contact, const PeerAddress& address) {
    return std::any_of(contact.peers.begin(), contact.peers.end(), [&address](const auto& peer) {
        return peer.address == address && peer.presence != ports::Presence::offline;
    });
}

}  // namespace

void BrokerImpl::on_account_state(Account& account, ports::ConnectionState state, error_code reason,
                                  const std::string& detail) {
    const auto name = account.name();
    notify(
        [name, state, reason, detail](Handler& handler) { handler.on_connection_state(name, state, reason, detail); });
    if (state == ports::ConnectionState::offline && account.on_removed) {
        return later([this, name] { finish_removal(name); });
    }
    contact_may_be_there(account, nullptr);
    if (state != ports::ConnectionState::online) return;
    for (auto& [id, session] : sessions_) {
        if (session->origin().account == name) session->connection_restored();
    }
    for (auto& [id, offer] : offers_.all()) {
        if (offer.spec.account != name) continue;
        // While we were away the contact's devices may have dropped it; those that have not ignore the repeat.
        offer.recipients.clear();
        spread_offer(id, offer);
    }
}

void BrokerImpl::on_account_contact(Account& account, const ports::Contact& contact) {
    const auto name = account.name();
    notify([name, contact](Handler& handler) { handler.on_contact(name, contact); });
    if (account.lost_presence(contact)) drop_contact(account, contact.address, Errc::refused);
    drop_vanished(account, contact);
    end_dead_links(account, contact.address);
    for (auto& [id, session] : sessions_) {
        const auto& origin = session->origin();
        if (origin.account == name && origin.peer.contact == contact.address) {
            session->peer_is_there(is_there(contact, origin.peer));
        }
    }
    contact_may_be_there(account, &contact.address);
    for (auto& [id, offer] : offers_.all()) {
        if (offer.spec.account == name && offer.spec.contact == contact.address) spread_offer(id, offer);
    }
}

void BrokerImpl::on_account_contact_removed(Account& account, const ContactAddress& contact) {
    const auto name = account.name();
    notify([name, contact](Handler& handler) { handler.on_contact_removed(name, contact); });
    account.forget(contact);
    drop_contact(account, contact, Errc::refused);
}

void BrokerImpl::on_account_subscription_request(Account& account, const ContactAddress& contact,
                                                 const std::string& text) {
    notify([name = account.name(), contact, text](Handler& handler) {
        handler.on_subscription_request(name, contact, text);
    });
}

void BrokerImpl::drop_contact(Account& account, const ContactAddress& contact, Errc reason) {
    std::vector<LinkId> ids;
    for (const auto& [id, session] : sessions_) {
        const auto& origin = session->origin();
        if (origin.account == account.name() && origin.peer.contact == contact) ids.push_back(id);
    }
    for (const auto& id : ids) {
        if (auto* session = find_session(id)) end_session(*session, reason, true);
    }
    end_webs(reason, true, [&account, &contact](const auto& session) {
        return session.origin().account == account.name() && session.origin().peer.contact == contact;
    });
    for (const auto& id : pending_.of_contact(account.name(), contact)) end_pending(id, reason);
    std::vector<OfferId> offers;
    for (const auto& [id, offer] : offers_.all()) {
        if (offer.spec.account == account.name() && offer.spec.contact == contact) offers.push_back(id);
    }
    for (const auto& id : offers) end_offer(id, Errc::withdrawn, OfferEnd::withdrawn, std::nullopt);
}

void BrokerImpl::end_dead_links(Account& account, const ContactAddress& contact) {
    if (account.connection().state() != ports::ConnectionState::online) return;
    const auto peers = account.tube_peers(contact);
    std::vector<LinkId> dead;
    for (const auto& [id, session] : sessions_) {
        const auto& origin = session->origin();
        const bool here = origin.same_user && origin.account == account.name() && origin.peer.contact == contact;
        const bool gone = std::find(peers.begin(), peers.end(), origin.peer) == peers.end();
        if (here && gone && session->state() == SessionState::stalled) dead.push_back(id);
    }
    for (const auto& id : dead) {
        if (auto* session = find_session(id)) on_session_ended(*session, Errc::broken, false);
    }
}

void BrokerImpl::drop_vanished(Account& account, const ports::Contact& contact) {
    // While we are away ourselves, nobody seems to be there.
    if (account.connection().state() != ports::ConnectionState::online) return;
    std::vector<LinkId> lost;
    for (const auto& [id, session] : sessions_) {
        const auto& origin = session->origin();
        // A link whose negotiation runs may still come up without presence; one that nobody answered will not.
        const bool waits = session->state() == SessionState::requesting || session->state() == SessionState::requested;
        const bool concerned = origin.account == account.name() && origin.peer.contact == contact.address;
        if (waits && concerned && origin.listed && !is_there(contact, origin.peer)) lost.push_back(id);
    }
    for (const auto& id : lost) {
        if (auto* session = find_session(id)) on_session_ended(*session, Errc::offline, false);
    }
    end_webs(Errc::offline, false, [&](const auto& session) {
        const auto& origin = session.origin();
        return !tubes_.contains(origin.tube) && origin.account == account.name() && origin.listed &&
               origin.peer.contact == contact.address && !is_there(contact, origin.peer);
    });
    for (const auto& id : pending_.of_contact(account.name(), contact.address)) {
        const auto* waiting = pending_.find(id);
        if (waiting && !waiting->request.web && !waiting->stranger && !waiting->by_control &&
            !is_there(contact, waiting->request.from)) {
            end_pending(id, Errc::offline);
        }
    }
}

}  // namespace tubes::core
