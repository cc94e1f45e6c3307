// SPDX-License-Identifier: GPL-3.0-or-later
// The calls of a Node, and how it opens and goes.
#include "tubes/engine/node_core.hpp"

#include <system_error>

#include "tubes/base/log.hpp"
#include "tubes/engine.hpp"
#include "tubes/engine/accounts.hpp"
#include "tubes/engine/contacts.hpp"
#include "tubes/engine/handles.hpp"
#include "tubes/engine/rooms.hpp"
#include "tubes/engine/shares.hpp"

namespace tubes::engine {
namespace {

constexpr std::chrono::milliseconds kJoinPatience{3000};  // documented at Node

result<std::shared_ptr<Engine>> make_engine(const std::shared_ptr<Loop>& loop, std::unique_ptr<Profile> profile,
                                            NodeOptions options) {
    try {
        return std::make_shared<Engine>(loop, std::move(profile), std::move(options));
    } catch (const std::system_error& error) {
        base::logger("engine")->error("cannot open a node: {}", error.what());
        return make_error_code(Errc::limit_exceeded);
    }
}

}  // namespace

result<std::shared_ptr<NodeCore>> NodeCore::open(NodeOptions options) {
    auto profile = Profile::open(options);
    if (!profile) return profile.error();
    static_cast<void>(base::configure_logs((*profile)->settings->text("log.level")));
    // The identity of the local account is made now, so that its errors are told here.
    if (auto identity = load_identity((*profile)->directories.state, "local"); !identity) return identity.error();
    auto loop = options.executor ? Loop::on_executor(*options.executor) : Loop::with_thread();
    auto engine = make_engine(loop, std::move(*profile), std::move(options));
    if (!engine) {
        loop->end();
        return engine.error();
    }
    loop->post([engine = *engine] { engine->start(); });
    return std::make_shared<NodeCore>(std::move(loop), std::move(*engine));
}

NodeCore::~NodeCore() {
    release();
}

template <class... Results, class Task>
void NodeCore::run(detail::Handler<Results...> handler, Task task) {
    run_on<Results...>(loop_, engine_, std::move(handler), std::move(task));
}

std::shared_ptr<detail::EventsBackend> NodeCore::events() {
    auto queue = std::make_shared<EventQueue>(loop_);
    loop_->post([engine = std::weak_ptr<Engine>(engine_), queue] {
        auto alive = engine.lock();
        if (!alive || alive->is_closed()) return queue->end();
        alive->events().add(queue);
    });
    return queue;
}

void NodeCore::close() {
    if (!engine_) return;
    loop_->post([engine = engine_] { engine->close(); });
}

void NodeCore::release() {
    if (!engine_) return;
    if (loop_->has_forked()) {
        // Everything belongs to the parent: closing it here would speak for the parent on its sockets.
        new std::shared_ptr<Engine>(std::move(engine_));
        new std::shared_ptr<Loop>(loop_);
        return;
    }
    loop_->post([engine = std::move(engine_)] { engine->close(); });
    engine_.reset();
    loop_->join(kJoinPatience);
}

void NodeCore::login(LoginOptions options, detail::Handler<AccountInfo> handler) {
    run<AccountInfo>(std::move(handler), [options = std::move(options)](Engine& engine, auto done) mutable {
        engine.accounts().login(std::move(options), std::move(done));
    });
}

void NodeCore::logout(std::string account, bool forget, detail::Handler<> handler) {
    run<>(std::move(handler), [account = std::move(account), forget](Engine& engine, auto done) {
        engine.accounts().logout(account, forget, std::move(done));
    });
}

void NodeCore::wait_accounts(std::chrono::milliseconds deadline, detail::Handler<std::vector<AccountInfo>> handler) {
    run<std::vector<AccountInfo>>(std::move(handler), [deadline](Engine& engine, auto done) {
        engine.accounts().wait(deadline, std::move(done));
    });
}

void NodeCore::status(detail::Handler<Status> handler) {
    run<Status>(std::move(handler), [](Engine& engine, auto done) { done->succeed(engine.status()); });
}

void NodeCore::contacts(detail::Handler<std::vector<ContactInfo>> handler) {
    run<std::vector<ContactInfo>>(std::move(handler),
                                  [](Engine& engine, auto done) { engine.contacts().list(std::move(done)); });
}

void NodeCore::services(std::string contact, detail::Handler<std::vector<OfferedService>> handler) {
    run<std::vector<OfferedService>>(std::move(handler), [contact = std::move(contact)](Engine& engine, auto done) {
        engine.contacts().services(contact, std::move(done));
    });
}

void NodeCore::add_contact(std::string contact, detail::Handler<> handler) {
    run<>(std::move(handler), [contact = std::move(contact)](Engine& engine, auto done) {
        engine.contacts().add(contact, std::move(done));
    });
}

void NodeCore::answer_contact(std::string contact, bool allow, detail::Handler<> handler) {
    run<>(std::move(handler), [contact = std::move(contact), allow](Engine& engine, auto done) {
        engine.contacts().answer(contact, allow, std::move(done));
    });
}

void NodeCore::remove_contact(std::string contact, detail::Handler<> handler) {
    run<>(std::move(handler), [contact = std::move(contact)](Engine& engine, auto done) {
        engine.contacts().remove(contact, std::move(done));
    });
}

void NodeCore::share(ShareOptions options, detail::Handler<Share> handler) {
    run<Share>(std::move(handler), [options = std::move(options)](Engine& engine, auto done) mutable {
        engine.shares().share(std::move(options), std::move(done));
    });
}

void NodeCore::offer(OfferOptions options, detail::Handler<Share> handler) {
    run<Share>(std::move(handler), [options = std::move(options)](Engine& engine, auto done) mutable {
        engine.shares().offer(std::move(options), std::move(done));
    });
}

void NodeCore::connect(ConnectOptions options, detail::Handler<Tube> handler) {
    run<Tube>(std::move(handler), [options = std::move(options)](Engine& engine, auto done) mutable {
        engine.tubes().connect(std::move(options), std::move(done));
    });
}

void NodeCore::accept_offer(std::string id, detail::Handler<Tube> handler) {
    run<Tube>(std::move(handler),
              [id = std::move(id)](Engine& engine, auto done) { engine.tubes().accept_offer(id, std::move(done)); });
}

void NodeCore::take_tube(std::string id, detail::Handler<Tube> handler) {
    run<Tube>(std::move(handler),
              [id = std::move(id)](Engine& engine, auto done) { engine.tubes().take(id, std::move(done)); });
}

void NodeCore::answer(std::string id, bool accept, detail::Handler<> handler) {
    run<>(std::move(handler), [id = std::move(id), accept](Engine& engine, auto done) {
        engine.tubes().answer(id, accept, std::move(done));
    });
}

void NodeCore::ping(std::string contact, std::chrono::milliseconds deadline,
                    detail::Handler<std::vector<PingInfo>> handler) {
    run<std::vector<PingInfo>>(std::move(handler), [contact = std::move(contact), deadline](Engine& engine, auto done) {
        engine.contacts().ping(contact, deadline, std::move(done));
    });
}

void NodeCore::diagnose(detail::Handler<std::vector<Finding>> handler) {
    run<std::vector<Finding>>(std::move(handler), [](Engine& engine, auto done) { engine.diagnose(std::move(done)); });
}

void NodeCore::pins(std::string contact, detail::Handler<std::vector<PinInfo>> handler) {
    run<std::vector<PinInfo>>(std::move(handler), [contact = std::move(contact)](Engine& engine, auto done) {
        engine.contacts().pins(contact, std::move(done));
    });
}

void NodeCore::set_pin(std::string contact, std::string device, bool verified, detail::Handler<> handler) {
    run<>(std::move(handler),
          [contact = std::move(contact), device = std::move(device), verified](Engine& engine, auto done) {
              engine.contacts().set_pin(contact, device, verified, std::move(done));
          });
}

void NodeCore::compare(std::string contact, detail::Handler<std::string> handler) {
    run<std::string>(std::move(handler), [contact = std::move(contact)](Engine& engine, auto done) {
        engine.contacts().compare(contact, std::move(done));
    });
}

void NodeCore::set_policy(std::string contact, std::string service, Policy policy, detail::Handler<> handler) {
    run<>(std::move(handler),
          [contact = std::move(contact), service = std::move(service), policy](Engine& engine, auto done) {
              engine.contacts().set_policy(contact, service, policy, std::move(done));
          });
}

void NodeCore::join_room(RoomOptions options, detail::Handler<Room> handler) {
    run<Room>(std::move(handler), [options = std::move(options)](Engine& engine, auto done) mutable {
        engine.rooms().join(std::move(options), std::move(done));
    });
}

}  // namespace tubes::engine

namespace tubes {
inline namespace v0 {

result<Node> open_node(NodeOptions options) {
    auto core = engine::NodeCore::open(std::move(options));
    if (!core) return core.error();
    return Node(std::move(*core));
}

}  // namespace v0
}  // namespace tubes
