// SPDX-License-Identifier: GPL-3.0-or-later
// Behind a Node: brings each call to the loop.
#pragma once

#include <memory>

#include "tubes/client/backend.hpp"
#include "tubes/engine/engine.hpp"

namespace tubes::engine {

/// Any thread may call.
class NodeCore final : public detail::NodeBackend {
public:
    /// Opens the profile and starts. Errors as open_node().
    static result<std::shared_ptr<NodeCore>> open(NodeOptions options);

    NodeCore(std::shared_ptr<Loop> loop, std::shared_ptr<Engine> engine)
        : loop_(std::move(loop)), engine_(std::move(engine)) {}
    ~NodeCore() override;

    boost::asio::any_io_executor get_executor() const override { return loop_->executor(); }

    void login(LoginOptions options, detail::Handler<AccountInfo> handler) override;
    void logout(std::string account, bool forget, detail::Handler<> handler) override;
    void wait_accounts(std::chrono::milliseconds deadline, detail::Handler<std::vector<AccountInfo>> handler) override;
    void status(detail::Handler<Status> handler) override;

    void contacts(detail::Handler<std::vector<ContactInfo>> handler) override;
    void services(std::string contact, detail::Handler<std::vector<OfferedService>> handler) override;
    void add_contact(std::string contact, detail::Handler<> handler) override;
    void answer_contact(std::string contact, bool allow, detail::Handler<> handler) override;
    void remove_contact(std::string contact, detail::Handler<> handler) override;

    void share(ShareOptions options, detail::Handler<Share> handler) override;
    void offer(OfferOptions options, detail::Handler<Share> handler) override;
    void connect(ConnectOptions options, detail::Handler<Tube> handler) override;
    void accept_offer(std::string id, detail::Handler<Tube> handler) override;
    void take_tube(std::string id, detail::Handler<Tube> handler) override;
    void answer(std::string id, bool accept, detail::Handler<> handler) override;

    void ping(std::string contact, std::chrono::milliseconds deadline,
              detail::Handler<std::vector<PingInfo>> handler) override;
    void diagnose(detail::Handler<std::vector<Finding>> handler) override;
    void pins(std::string contact, detail::Handler<std::vector<PinInfo>> handler) override;
    void set_pin(std::string contact, std::string device, bool verified, detail::Handler<> handler) override;
    void compare(std::string contact, detail::Handler<std::string> handler) override;
    void set_policy(std::string contact, std::string service, Policy policy, detail::Handler<> handler) override;

    void join_room(RoomOptions options, detail::Handler<Room> handler) override;
    std::shared_ptr<detail::EventsBackend> events() override;
    void close() override;
    void release() override;

private:
    template <class... Results, class Task>
    void run(detail::Handler<Results...> handler, Task task);

    std::shared_ptr<Loop> loop_;
    std::shared_ptr<Engine> engine_;
};

}  // namespace tubes::engine
