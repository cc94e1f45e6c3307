// SPDX-License-Identifier: GPL-3.0-or-later
// The control socket: how `tube status`, `tube accept` and others talk to the `tube` processes that run.
// One JSON document a line: {"command": "...", ...} answered by {"ok": true, ...} or {"ok": false, "code", "message"}.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tubes/cli/session.hpp"

namespace tubes::cli {

/// Answers on <runtime>/control/<pid>.sock while it lives; only this user's processes get in.
class ControlServer {
public:
    using Command = std::function<boost::asio::awaitable<nlohmann::json>(nlohmann::json)>;

    /// Begins to answer; a failure is told on standard error and leaves the program working without it.
    ControlServer(Session& session, std::string purpose);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// Adds a command to those every process answers (status, pending, ping, compare, reject).
    void on(const std::string& name, Command command);

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// One process that answered.
struct ControlReply {
    int process = 0;
    nlohmann::json body;
};

/// Asks every running process of the profile, 3 s each; those that do not answer are left out.
boost::asio::awaitable<std::vector<ControlReply>> ask_all(Session& session, nlohmann::json request);

/// A failure as the protocol carries it, and back.
nlohmann::json failure(const error_code& error);
error_code error_of(const nlohmann::json& reply);

}  // namespace tubes::cli
