// SPDX-License-Identifier: GPL-3.0-or-later
// Both ends of the control socket.
#include "tubes/cli/control.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "tubes/base/peer_credentials.hpp"
#include "tubes/cli/output.hpp"
#include "tubes/config.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using nlohmann::json;

constexpr std::size_t kMaxRequest = 64 * 1024;      // bytes of a request's line
constexpr std::size_t kMaxReply = 8 * 1024 * 1024;  // bytes of a reply's line
constexpr std::chrono::seconds kReplyDeadline{3};   // a process that is stopped does not hold up the rest

result<std::filesystem::path> control_directory(const Session& session) {
    auto runtime = runtime_directory(session.node_options(false));
    if (!runtime) return runtime.error();
    auto directory = *runtime / "control";
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return make_error_code(Errc::not_available);
    return directory;
}

json failure_text(Errc code, const std::string& message) {
    return {{"ok", false}, {"code", static_cast<int>(code)}, {"message", message}};
}

}  // namespace

json failure(const error_code& error) {
    const bool ours = error.category() == tubes_category();
    return failure_text(ours ? static_cast<Errc>(error.value()) : Errc::internal, error.message());
}

error_code error_of(const json& reply) {
    if (reply.value("ok", false)) return {};
    return make_error_code(static_cast<Errc>(reply.value("code", static_cast<int>(Errc::internal))));
}

struct ControlServer::State : std::enable_shared_from_this<State> {
    State(Session& the_session, std::string the_purpose)
        : session(the_session), purpose(std::move(the_purpose)), acceptor(session.context()) {}

    void listen();
    asio::awaitable<void> accept(std::shared_ptr<State> self);
    asio::awaitable<void> serve(std::shared_ptr<State> self, stream_protocol::socket socket);
    asio::awaitable<json> answer(std::string line);
    void add_standard_commands();

    Session& session;
    std::string purpose;
    stream_protocol::acceptor acceptor;
    std::filesystem::path path;
    std::map<std::string, Command> commands;
};

void ControlServer::State::listen() {
    const auto directory = control_directory(session);
    if (!directory) return;
    path = *directory / fmt::format("{}.sock", ::getpid());
    ::unlink(path.c_str());
    boost::system::error_code error;
    acceptor.open({}, error);
    if (!error) acceptor.bind(path.native(), error);
    if (!error) acceptor.listen(16, error);
    if (error) {
        fmt::print(stderr, "tube: no control socket at {}: {}\n", path.native(), error.message());
        return;
    }
    asio::co_spawn(session.context(), accept(shared_from_this()), asio::detached);
}

asio::awaitable<void> ControlServer::State::accept(std::shared_ptr<State> self) {
    while (self->acceptor.is_open()) {
        auto [error, socket] = co_await self->acceptor.async_accept(kTuple);
        if (error == asio::error::operation_aborted) co_return;
        if (error) continue;
        const auto peer = base::peer_credentials(socket.native_handle());
        if (!peer || !peer->is_same_user()) continue;
        asio::co_spawn(self->session.context(), self->serve(self, std::move(socket)), asio::detached);
    }
}

asio::awaitable<void> ControlServer::State::serve(std::shared_ptr<State> self, stream_protocol::socket socket) {
    std::string line;
    auto buffer = asio::dynamic_buffer(line, kMaxRequest);
    auto [error, size] = co_await asio::async_read_until(socket, buffer, '\n', kTuple);
    if (error) co_return;
    line.resize(size);
    const auto reply = co_await self->answer(std::move(line));
    const auto text = reply.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    const auto bytes = asio::buffer(text);
    co_await asio::async_write(socket, bytes, kTuple);
}

asio::awaitable<json> ControlServer::State::answer(std::string line) {
    auto request = json::parse(line, nullptr, false);
    if (!request.is_object() || !request["command"].is_string()) {
        co_return failure_text(Errc::invalid_argument, "not a command");
    }
    const auto found = commands.find(request["command"].get<std::string>());
    if (found == commands.end()) co_return failure_text(Errc::unsupported, "this process does not know that command");
    auto command = found->second;
    co_return co_await command(std::move(request));
}

void ControlServer::State::add_standard_commands() {
    auto& node = session.node();
    commands["status"] = [&node, this](json) -> asio::awaitable<json> {
        auto [error, status] = co_await node.async_status(kTuple);
        if (error) co_return failure(error);
        json reply = {{"ok", true}, {"purpose", purpose}};
        reply["status"] = to_json(status);
        co_return reply;
    };
    for (const bool accepted : {true, false}) {
        commands[accepted ? "accept" : "reject"] = [&node, accepted](json request) -> asio::awaitable<json> {
            auto [error] = co_await node.async_answer(request.value("id", ""), accepted, kTuple);
            if (error) co_return failure(error);
            co_return json{{"ok", true}};
        };
    }
    commands["ping"] = [&node](json request) -> asio::awaitable<json> {
        const std::chrono::milliseconds deadline(request.value("deadline_ms", 5000));
        auto [error, pings] = co_await node.async_ping(request.value("contact", ""), deadline, kTuple);
        if (error) co_return failure(error);
        json reply = {{"ok", true}};
        reply["pings"] = list_json(pings);
        co_return reply;
    };
    commands["compare"] = [&node](json request) -> asio::awaitable<json> {
        auto [error, text] = co_await node.async_compare(request.value("contact", ""), kTuple);
        if (error) co_return failure(error);
        co_return json{{"ok", true}, {"text", text}};
    };
}

ControlServer::ControlServer(Session& session, std::string purpose)
    : state_(std::make_shared<State>(session, std::move(purpose))) {
    state_->add_standard_commands();
    state_->listen();
}

ControlServer::~ControlServer() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    state_->commands.clear();
    if (!state_->path.empty()) ::unlink(state_->path.c_str());
}

void ControlServer::on(const std::string& name, Command command) {
    state_->commands[name] = std::move(command);
}

namespace {

asio::awaitable<json> ask_one(stream_protocol::socket& socket, std::string line) {
    const auto bytes = asio::buffer(line);
    auto [write_error, written] = co_await asio::async_write(socket, bytes, kTuple);
    if (write_error) co_return json();
    std::string reply;
    auto buffer = asio::dynamic_buffer(reply, kMaxReply);
    auto [error, size] = co_await asio::async_read_until(socket, buffer, '\n', kTuple);
    co_return error ? json() : json::parse(reply.substr(0, size), nullptr, false);
}

}  // namespace

asio::awaitable<std::vector<ControlReply>> ask_all(Session& session, json request) {
    using namespace asio::experimental::awaitable_operators;
    std::vector<ControlReply> replies;
    const auto directory = control_directory(session);
    if (!directory) co_return replies;
    const auto line = request.dump() + "\n";
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(*directory, ignored)) {
        stream_protocol::socket socket(session.context());
        boost::system::error_code error;
        socket.connect(entry.path().native(), error);
        if (error == asio::error::connection_refused) ::unlink(entry.path().c_str());
        if (error) continue;
        asio::steady_timer deadline(session.context(), kReplyDeadline);
        auto outcome = co_await (ask_one(socket, line) || deadline.async_wait(kTuple));
        if (outcome.index() != 0 || !std::get<0>(outcome).is_object()) continue;
        const int process = std::atoi(entry.path().stem().c_str());
        replies.push_back(ControlReply{process, std::move(std::get<0>(outcome))});
    }
    co_return replies;
}

}  // namespace tubes::cli
