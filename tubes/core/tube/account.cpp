// SPDX-License-Identifier: GPL-3.0-or-later
// An account's connection and its contacts.
#include "tubes/core/tube/account.hpp"

namespace tubes::core {

Account::Account(ports::AccountName name, std::unique_ptr<ports::Connection> connection,
                 const ports::Identity& identity, Owner& owner)
    : name_(std::move(name)), connection_(std::move(connection)), identity_(identity), owner_(owner) {}

void Account::start() {
    ports::Connection::Handler& handler = *this;
    connection_->start(handler);
}

std::optional<ports::Contact> Account::find(const ContactAddress& contact) const {
    for (auto& entry : connection_->contacts()) {
        if (entry.address == contact) return entry;
    }
    return std::nullopt;
}

std::vector<PeerAddress> Account::tube_peers(const ContactAddress& contact) const {
    std::vector<PeerAddress> peers;
    const auto found = find(contact);
    if (!found) return peers;
    const auto self = connection_->info().self_peer;
    for (const auto& peer : found->peers) {
        if (peer.speaks_tubes && peer.presence != ports::Presence::offline && peer.address != self) {
            peers.push_back(peer.address);
        }
    }
    return peers;
}

bool Account::is_same_user(const ContactAddress& contact) const {
    const auto info = connection_->info();
    return info.protocol == "local" && contact == info.self;
}

std::optional<ports::Occupant> Account::occupant(const ContactAddress& room, const PeerAddress& address) const {
    const auto* rooms = connection_->rooms();
    return rooms ? rooms->occupant(room, address) : std::nullopt;
}

std::optional<ContactAddress> Account::self(const std::optional<ContactAddress>& room) const {
    if (!room) return connection_->info().self;
    const auto* rooms = connection_->rooms();
    const auto view = rooms ? rooms->find(*room) : std::nullopt;
    if (!view) return std::nullopt;
    for (const auto& occupant : view->occupants) {
        if (occupant.is_self) return occupant.address.contact;
    }
    return std::nullopt;
}

bool Account::lost_presence(const ports::Contact& contact) {
    using ports::Subscription;
    const bool sees = contact.subscription == Subscription::from || contact.subscription == Subscription::both;
    const auto [entry, fresh] = sees_us_.emplace(contact.address, sees);
    const bool lost = !fresh && entry->second && !sees;
    entry->second = sees;
    return lost;
}

void Account::on_state(ports::ConnectionState state, error_code reason, const std::string& detail) {
    owner_.on_account_state(*this, state, reason, detail);
}

void Account::on_contact(const ports::Contact& contact) {
    owner_.on_account_contact(*this, contact);
}

void Account::on_contact_removed(const ContactAddress& address) {
    owner_.on_account_contact_removed(*this, address);
}

void Account::on_subscription_request(const ContactAddress& from, const std::string& text) {
    owner_.on_account_subscription_request(*this, from, text);
}

void Account::on_signal(const ports::SignalOrigin& origin, Signal signal, ports::Connection::Responder respond) {
    owner_.on_account_signal(*this, origin, std::move(signal), std::move(respond));
}

}  // namespace tubes::core
