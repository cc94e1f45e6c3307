// SPDX-License-Identifier: GPL-3.0-or-later
// `tube serve`: stays online, receives offers and applies policies.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/control.hpp"
#include "tubes/cli/narrator.hpp"
#include "tubes/cli/output.hpp"
#include "tubes/config.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

struct ServeArguments {};

/// Tubes that were accepted here, with the sockets at which they are reached.
struct Accepted {
    Tube tube;
    Listener listener;
};
using AcceptedTubes = std::map<std::string, Accepted>;

asio::awaitable<void> forget_when_closed(Session& session, std::shared_ptr<AcceptedTubes> tubes, std::string id) {
    const auto found = tubes->find(id);
    if (found == tubes->end()) co_return;
    auto [reason] = co_await found->second.tube.async_wait_closed(kTuple);
    const auto service = found->second.tube.info().service;
    tubes->erase(id);
    session.say(fmt::format("{} is closed{}", safe(service), reason ? ": " + reason.message() : ""));
}

/// Keeps a tube and makes it reachable; the address at which programs connect.
asio::awaitable<std::tuple<error_code, std::string>> keep_tube(Session& session, std::shared_ptr<AcceptedTubes> tubes,
                                                               Tube tube, ListenOptions listen) {
    auto [error, listener] = co_await tube.async_listen(listen, kTuple);
    if (error) co_return std::tuple<error_code, std::string>(error, std::string());
    const auto at = listener.endpoint().to_string();
    const auto id = tube.info().id;
    session.say(fmt::format("{} of {} is at {}", safe(tube.info().service), safe(tube.info().contact), at));
    Accepted accepted{std::move(tube), std::move(listener)};
    tubes->emplace(id, std::move(accepted));
    asio::co_spawn(session.context(), forget_when_closed(session, tubes, id), asio::detached);
    co_return std::tuple<error_code, std::string>(error_code(), at);
}

/// An offer that a standing "always" accepted becomes a socket at any free port.
asio::awaitable<void> take_accepted(Session& session, std::shared_ptr<AcceptedTubes> tubes, std::string id) {
    auto [error, tube] = co_await session.node().async_take_tube(id, kTuple);
    if (error) co_return;
    ListenOptions listen;
    listen.endpoint = Endpoint::tcp("127.0.0.1", 0);
    auto [listen_error, at] = co_await keep_tube(session, tubes, std::move(tube), listen);
    if (listen_error) session.fail("cannot listen for an accepted offer", listen_error);
}

asio::awaitable<json> accept_offer(Session& session, std::shared_ptr<AcceptedTubes> tubes, std::string id,
                                   std::string where, bool allow_remote) {
    auto endpoint = Endpoint::parse(where.empty() ? "127.0.0.1:0" : where);
    if (!endpoint) co_return failure(endpoint.error());
    auto [error, tube] = co_await session.node().async_accept_offer(id, kTuple);
    if (error) co_return failure(error);
    ListenOptions listen;
    listen.endpoint = *endpoint;
    listen.allow_remote = allow_remote;
    json reply = {{"ok", true}};
    reply["tube"] = to_json(tube.info());
    auto [listen_error, at] = co_await keep_tube(session, tubes, std::move(tube), listen);
    if (listen_error) co_return failure(listen_error);
    reply["listening"] = at;
    co_return reply;
}

/// Accepting a request for one of our services opens nothing here; accepting an offer gives a socket.
asio::awaitable<json> accept_pending(Session& session, std::shared_ptr<AcceptedTubes> tubes, json request) {
    const auto id = request.value("id", std::string());
    auto [status_error, status] = co_await session.node().async_status(kTuple);
    if (status_error) co_return failure(status_error);
    for (const auto& pending : status.pending) {
        if (pending.id != id) continue;
        if (pending.is_offer) {
            co_return co_await accept_offer(session, tubes, id, request.value("listen", std::string()),
                                            request.value("allow_remote", false));
        }
        auto [error] = co_await session.node().async_answer(id, true, kTuple);
        if (error) co_return failure(error);
        co_return json{{"ok", true}};
    }
    co_return failure(make_error_code(Errc::not_found));
}

/// The services of the configuration file.
asio::awaitable<std::vector<Share>> share_configured(Session& session) {
    std::vector<Share> shares;
    const auto services = configured_services(session.node_options(true));
    if (!services) {
        session.fail("cannot read the services of the configuration", services.error());
        co_return shares;
    }
    for (const auto& service : *services) {
        auto [error, share] = co_await session.node().async_share(service, kTuple);
        if (error) {
            session.fail("cannot share " + safe(service.service), error);
            continue;
        }
        session.say(fmt::format("Sharing {} as {}", service.target.to_string(), safe(service.service)));
        shares.push_back(std::move(share));
    }
    co_return shares;
}

asio::awaitable<int> run_serve(Session& session, ServeArguments) {
    if (!session.open(true)) co_return session.exit_code();
    auto narrator = std::make_shared<Narrator>(session);
    auto tubes = std::make_shared<AcceptedTubes>();
    narrator->on_event([&session, tubes](const Event& event) {
        const auto* opened = std::get_if<TubeOpened>(&event);
        if (opened == nullptr || opened->tube.incoming || tubes->contains(opened->tube.id)) return;
        asio::co_spawn(session.context(), take_accepted(session, tubes, opened->tube.id), asio::detached);
    });
    asio::co_spawn(session.context(), narrator->follow(narrator), asio::detached);
    ControlServer control(session, "serve");
    control.on("accept",
               [&session, tubes](json request) { return accept_pending(session, tubes, std::move(request)); });
    const auto accounts = co_await session.accounts_ready();
    auto shares = co_await share_configured(session);
    std::vector<std::string> online;
    for (const auto& account : accounts) {
        if (account.state == AccountState::online) online.push_back(safe(account.name));
    }
    session.say(fmt::format("Online as {}. Ctrl-C ends it.", fmt::join(online, ", ")));
    asio::steady_timer forever(session.context(), asio::steady_timer::time_point::max());
    co_await forever.async_wait(kTuple);
    co_return kSuccess;
}

}  // namespace

void add_serve_command(CLI::App& app, Action& selected) {
    auto [command, arguments] = make_command<ServeArguments>(
        app, selected, "serve", "Stay online, receive offers and apply policies", run_serve);
    static_cast<void>(arguments);
    command->footer(
        "Also shares the services of the configuration file.\n\n"
        "Example:\n  tube serve        then, elsewhere: tube offers, tube accept ID");
}

}  // namespace tubes::cli
