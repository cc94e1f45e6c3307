// SPDX-License-Identifier: GPL-3.0-or-later
// One account of the broker: its connection, its identity, and what the connection says, passed on with its name.
#pragma once

#include <map>

#include "tubes/core/ports/connection.hpp"
#include "tubes/core/ports/crypto.hpp"
#include "tubes/core/ports/trust_store.hpp"

namespace tubes::core {

/// See the head of the file.
class Account final : private ports::Connection::Handler {
public:
    /// What the broker hears, with the account it is about.
    class Owner {
    public:
        virtual void on_account_state(Account& account, ports::ConnectionState state, error_code reason,
                                      const std::string& detail) = 0;
        virtual void on_account_contact(Account& account, const ports::Contact& contact) = 0;
        virtual void on_account_contact_removed(Account& account, const ContactAddress& contact) = 0;
        virtual void on_account_subscription_request(Account& account, const ContactAddress& contact,
                                                     const std::string& text) = 0;
        virtual void on_account_signal(Account& account, const ports::SignalOrigin& origin, Signal signal,
                                       ports::Connection::Responder respond) = 0;
        virtual void on_account_web_signal(Account& account, const ports::SignalOrigin& origin, ports::WebSignal signal,
                                           ports::Connection::Responder respond) = 0;
        virtual void on_account_room_event(Account& account, const ports::RoomEvent& event) = 0;

    protected:
        ~Owner() = default;
    };

    Account(ports::AccountName name, std::unique_ptr<ports::Connection> connection, const ports::Identity& identity,
            Owner& owner);

    void start();

    const ports::AccountName& name() const noexcept { return name_; }
    ports::Connection& connection() noexcept { return *connection_; }
    const ports::Identity& identity() const noexcept { return identity_; }

    std::optional<ports::Contact> find(const ContactAddress& contact) const;
    /// The contact's nodes that speak tubes and are there, this node left out.
    std::vector<PeerAddress> tube_peers(const ContactAddress& contact) const;
    /// Another node of this user on this machine; only the local protocol's own list can say so.
    bool is_same_user(const ContactAddress& contact) const;
    /// The occupant of a room with that address, if they are there now.
    std::optional<ports::Occupant> occupant(const ContactAddress& room, const PeerAddress& address) const;
    /// Who we are: in that room, or (empty) for contacts. Empty if we are not in the room.
    std::optional<ContactAddress> self(const std::optional<ContactAddress>& room) const;
    /// Remembers who may see our presence; true when `contact` has just lost that.
    bool lost_presence(const ports::Contact& contact);
    void forget(const ContactAddress& contact) { sees_us_.erase(contact); }

    std::function<void()> on_removed;  ///< Set while the account is being removed.

private:
    void on_state(ports::ConnectionState state, error_code reason, const std::string& detail) override;
    void on_contact(const ports::Contact& contact) override;
    void on_contact_removed(const ContactAddress& address) override;
    void on_subscription_request(const ContactAddress& from, const std::string& text) override;
    void on_signal(const ports::SignalOrigin& origin, Signal signal, ports::Connection::Responder respond) override;
    void on_web_signal(const ports::SignalOrigin& origin, ports::WebSignal signal,
                       ports::Connection::Responder respond) override {
        owner_.on_account_web_signal(*this, origin, std::move(signal), std::move(respond));
    }
    void on_room_event(const ports::RoomEvent& event) override { owner_.on_account_room_event(*this, event); }

    ports::AccountName name_;
    std::unique_ptr<ports::Connection> connection_;
    const ports::Identity& identity_;
    Owner& owner_;
    std::map<ContactAddress, bool> sees_us_;
};

}  // namespace tubes::core
