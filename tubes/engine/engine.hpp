// SPDX-License-Identifier: GPL-3.0-or-later
// Everything of a node that lives on its loop: the broker, and the parts that join it to the public API.
#pragma once

#include <memory>
#include <vector>

#include "transports/crypto/crypto.hpp"
#include "tubes/core/tube/broker.hpp"
#include "tubes/engine/address_monitor.hpp"
#include "tubes/engine/asio_scheduler.hpp"
#include "tubes/engine/completion.hpp"
#include "tubes/engine/events.hpp"
#include "tubes/engine/profile.hpp"
#include "tubes/engine/sleep_monitor.hpp"

namespace tubes::engine {

class Accounts;
class Contacts;
class Rooms;
class Shares;
class Streams;
class Tubes;

/// Lives on the loop, from start() to the end of close(); keeps itself alive while it closes. Public objects hold it
/// weakly and reach it by posting.
class Engine final : public core::Broker::Handler, public std::enable_shared_from_this<Engine> {
public:
    /// Throws std::system_error when the process is out of descriptors.
    Engine(std::shared_ptr<Loop> loop, std::unique_ptr<Profile> profile, NodeOptions options);
    ~Engine();

    void start();
    /// Ends all operations with Errc::cancelled, closes links and logs out (bounded), then ends the loop. Idempotent.
    void close();
    bool is_closed() const { return closed_; }

    const std::shared_ptr<Loop>& loop() { return loop_; }
    AsioScheduler& scheduler() { return *scheduler_; }
    Profile& profile() { return *profile_; }
    const core::ports::Crypto& crypto() const { return crypto_; }
    core::Broker& broker() { return *broker_; }
    Accounts& accounts() { return *accounts_; }
    Contacts& contacts() { return *contacts_; }
    Rooms& rooms() { return *rooms_; }
    Shares& shares() { return *shares_; }
    Streams& streams() { return *streams_; }
    Tubes& tubes() { return *tubes_; }
    EventFan& events() { return events_; }

    Status status() const;
    /// Examines accounts, network and servers; see Node::async_diagnose.
    void diagnose(CompletionPointer<std::vector<Finding>> done);

    void on_pending(const core::PendingRequest& request) override;
    void on_pending_ended(const core::OfferId& id, Errc reason) override;
    void on_tube_open(const core::TubeStatus& tube) override;
    void on_stream(const core::TubeId& tube, std::shared_ptr<core::Stream> stream) override;
    void on_tube_closed(const core::TubeId& tube, Errc reason) override;
    void on_offer_ended(const core::OfferId& id, Errc reason) override;
    void on_link(const core::LinkReport& report) override;
    void on_new_key(const core::ports::AccountName& account, const core::ContactAddress& contact,
                    const core::PublicKey& key) override;
    void on_connection_state(const core::ports::AccountName& account, core::ports::ConnectionState state,
                             error_code reason, const std::string& detail) override;
    void on_contact(const core::ports::AccountName& account, const core::ports::Contact& contact) override;
    void on_contact_removed(const core::ports::AccountName& account, const core::ContactAddress& contact) override;
    void on_subscription_request(const core::ports::AccountName& account, const core::ContactAddress& contact,
                                 const std::string& text) override;
    void on_room_event(const core::ports::AccountName& account, const core::ports::RoomEvent& event) override;

private:
    void make_broker();
    void on_wake_up();
    void finish_closing();
    void find_ice_servers(std::size_t account, std::shared_ptr<std::vector<core::ports::IceServer>> found,
                          std::function<void()> done);

    std::shared_ptr<Loop> loop_;
    std::unique_ptr<Profile> profile_;
    NodeOptions options_;
    transports::OpenSslCrypto crypto_;
    std::unique_ptr<AsioScheduler> scheduler_;
    std::vector<std::unique_ptr<core::ports::Transport>> transports_;
    std::unique_ptr<core::ports::WebTransport> web_transport_;
    EventFan events_;
    std::unique_ptr<Accounts> accounts_;  // identities outlive the broker
    std::unique_ptr<Contacts> contacts_;
    std::unique_ptr<Streams> streams_;
    std::unique_ptr<Shares> shares_;
    std::unique_ptr<Rooms> rooms_;
    std::unique_ptr<Tubes> tubes_;
    std::unique_ptr<core::Broker> broker_;
    std::unique_ptr<AddressMonitor> addresses_;
    std::unique_ptr<SleepMonitor> sleep_;
    std::unique_ptr<core::ports::Scheduler::Timer> closing_;
    bool closed_ = false;
    bool finished_ = false;
};

}  // namespace tubes::engine
