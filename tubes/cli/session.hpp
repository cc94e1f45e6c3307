// SPDX-License-Identifier: GPL-3.0-or-later
// One run of `tube`: the loop, the node, the signals, and how errors are told.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <string>

#include "tubes/cli/exit_codes.hpp"
#include "tubes/engine.hpp"

namespace tubes::cli {

/// For co_await: gives (error_code, values...) instead of throwing.
inline constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Options that every command has.
struct GlobalOptions {
    std::string profile;
    std::string home;
    std::string log;
    std::vector<std::string> settings;  ///< "name=value" each.
    bool json = false;
    bool quiet = false;
};

/// Runs one command's coroutine on one thread, with the node on the same loop.
class Session {
public:
    explicit Session(GlobalOptions options);

    /// Runs `command` to its end; Ctrl-C and SIGTERM cancel it, a second one ends the process at once. Returns the
    /// exit code: the command's, or 128 + signal.
    int run(const std::function<boost::asio::awaitable<int>(Session&)>& command);

    const GlobalOptions& options() const { return options_; }
    boost::asio::io_context& context() { return context_; }

    /// Opens the node; false after telling the user why not (exit_code() then says which).
    bool open(bool with_accounts);
    Node& node() { return node_; }
    NodeOptions node_options(bool with_accounts) const;

    /// Waits until no account is connecting any more (15 s); tells about those that failed.
    boost::asio::awaitable<std::vector<AccountInfo>> accounts_ready();

    /// "tube: what: message. Advice" on standard error; returns the exit code that goes with it.
    int fail(const std::string& what, const error_code& error, const std::string& detail = {});
    /// A line about progress on standard error, unless --quiet.
    void say(const std::string& line) const;
    int exit_code() const { return exit_code_; }
    /// True once a signal asked the command to end.
    bool is_stopping() const { return stopping_; }

private:
    void wait_for_signal();

    GlobalOptions options_;
    boost::asio::io_context context_{1};
    boost::asio::any_io_executor executor_;
    boost::asio::signal_set signals_{context_, SIGINT, SIGTERM};
    Node node_;
    std::function<void()> cancel_;
    int exit_code_ = kSuccess;
    bool stopping_ = false;
};

}  // namespace tubes::cli
