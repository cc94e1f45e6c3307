// SPDX-License-Identifier: GPL-3.0-or-later
// A messaging server on the virtual clock: accounts with several devices, contact lists, presence, and signals that
// are late, lost, repeated, or delivered in an order that the test chooses.
#pragma once

#include <deque>
#include <random>
#include <set>

#include "tests/simulation/simulated_rooms.hpp"
#include "tests/simulation/simulated_scheduler.hpp"
#include "tubes/core/ports/connection.hpp"

namespace tubes::simulation {

class SimulatedConnection;

/// How the server treats signals.
struct ServerModel {
    core::Duration delay = std::chrono::milliseconds(10);
    core::Duration jitter{};  ///< More delay, up to this; order between two devices is kept.
    double repeat = 0;        ///< How likely a signal is delivered twice.
    double loss = 0;          ///< How likely a signal, or its reply, is lost: the sender's deadline passes.
    bool manual = false;      ///< Signals that `holds` names move by deliver() only; replies follow their route.
    std::uint64_t seed = 1;
};

/// See the head of the file.
class SimulatedServer {
public:
    using Route = std::pair<core::PeerAddress, core::PeerAddress>;  ///< From, to.

    explicit SimulatedServer(SimulatedScheduler& scheduler, ServerModel server_model = {});

    /// A device of `contact`; it is there once its connection was started.
    std::unique_ptr<SimulatedConnection> make_connection(const std::string& contact, const std::string& resource,
                                                         const std::string& protocol = "xmpp");
    /// Both see each other's presence.
    void befriend(const std::string& a, const std::string& b);
    void set_subscription(const std::string& of, const std::string& to, core::ports::Subscription subscription);
    void remove_contact(const std::string& of, const std::string& contact);
    /// The device vanishes from presence, or comes back; its process lives on.
    void set_present(const core::PeerAddress& device, bool present);
    /// A device that is there but does not speak tubes.
    void set_speaks_tubes(const core::PeerAddress& device, bool speaks);
    /// Its connection is lost or restored: signals fail with not_connected meanwhile.
    void set_online(const core::PeerAddress& device, bool online);

    /// Routes on which something waits; for model.manual.
    std::vector<Route> waiting() const;
    void deliver(const Route& route);

    /// Called for every signal as it is sent, replies left out.
    std::function<void(const core::PeerAddress& from, const core::PeerAddress& to, const core::Signal&)> tap;
    /// Sends as if `from` had; for hostile signals.
    void inject(const core::ports::SignalOrigin& origin, const core::PeerAddress& to, core::Signal signal,
                std::function<void(result<core::SignalReply>)> reply = {});

    /// Devices that are listed and never answer, as one whose process was killed until the server notices.
    std::set<core::PeerAddress> dead;

    /// Which signals wait for deliver() when the model is manual; all if it is empty.
    std::function<bool(const core::Signal&)> holds;

    /// What every account is told of its relays.
    std::vector<core::ports::IceServer> ice_servers;

    ServerModel model;
    std::size_t sent = 0;
    SimulatedChat chat;

private:
    friend class SimulatedConnection;
    struct Device {
        SimulatedConnection* connection = nullptr;
        bool present = false;
        bool online = false;
        bool speaks_tubes = true;
    };
    struct Delivery {
        std::function<void()> run;
        bool held = false;
    };
    using Friends = std::map<std::string, core::ports::Subscription>;

    void enter(SimulatedConnection& connection);
    void leave(const core::PeerAddress& device);
    void send(const core::PeerAddress& from, const core::PeerAddress& to, core::Signal signal,
              std::chrono::milliseconds deadline, std::function<void(result<core::SignalReply>)> callback);
    void queue(const Route& route, std::function<void()> delivery, bool held);
    void release(const Route& route);
    void hand_over(const core::PeerAddress& from, const core::PeerAddress& to, const core::Signal& signal,
                   const core::ports::Connection::Responder& respond);
    void broadcast(const std::string& contact);
    core::ports::Contact view(const std::string& of, const std::string& contact,
                              core::ports::Subscription subscription) const;
    std::vector<core::ports::Contact> contacts_of(const std::string& contact) const;
    bool chance(double likelihood);

    SimulatedScheduler& scheduler_;
    std::mt19937_64 random_;
    std::map<core::PeerAddress, Device> devices_;
    std::map<std::string, Friends> rosters_;
    std::map<Route, std::deque<Delivery>> routes_;
    std::map<Route, core::TimePoint> last_arrival_;
};

/// One device's connection.
class SimulatedConnection final : public core::ports::Connection {
public:
    SimulatedConnection(SimulatedServer& server, core::PeerAddress self, std::string protocol);
    ~SimulatedConnection() override;

    void start(Handler& handler) override;
    void close() override;
    core::ports::ConnectionInfo info() const override;
    core::ports::ConnectionState state() const override { return state_; }
    std::vector<core::ports::Contact> contacts() const override;
    void send_signal(const core::PeerAddress& to, core::Signal signal, std::chrono::milliseconds deadline,
                     SignalCallback callback) override;
    result<core::ContactAddress> parse_contact(std::string_view text) const override;
    result<void> request_subscription(const core::ContactAddress&) override { return {}; }
    result<void> answer_subscription(const core::ContactAddress&, bool) override { return {}; }
    result<void> remove_contact(const core::ContactAddress&) override { return {}; }
    void find_ice_servers(std::function<void(std::vector<core::ports::IceServer>)> callback) override;
    core::ports::Rooms* rooms() override { return &rooms_; }

private:
    friend class SimulatedServer;
    SimulatedServer& server_;
    core::PeerAddress self_;
    std::string protocol_;
    Handler* handler_ = nullptr;
    SimulatedRooms rooms_;
    core::ports::ConnectionState state_ = core::ports::ConnectionState::offline;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tubes::simulation
