// SPDX-License-Identifier: GPL-3.0-or-later
// Running a command, and ending it cleanly.
#include "tubes/cli/session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <optional>

#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kLoginPatience{15};  // then commands go on with the accounts that are online
constexpr std::chrono::seconds kGoodbye{3};         // for closing links and logging out after the command's end

}  // namespace

Session::Session(GlobalOptions options) : options_(std::move(options)), executor_(context_.get_executor()) {}

int Session::run(const std::function<asio::awaitable<int>(Session&)>& command) {
    asio::cancellation_signal cancellation;
    cancel_ = [&cancellation] { cancellation.emit(asio::cancellation_type::terminal); };
    wait_for_signal();
    std::optional<int> outcome;
    auto finished = [this, &outcome](const std::exception_ptr& exception, int code) {
        outcome = code;
        node_.close();
        node_ = Node();
        signals_.cancel();
        if (exception) std::rethrow_exception(exception);
    };
    asio::co_spawn(context_, command(*this), asio::bind_cancellation_slot(cancellation.slot(), std::move(finished)));
    while (!outcome && context_.run_one() != 0) {
    }
    context_.restart();
    context_.run_for(kGoodbye);
    return stopping_ ? exit_code_ : outcome.value_or(kFailure);
}

void Session::wait_for_signal() {
    signals_.async_wait([this](error_code error, int number) {
        if (error) return;
        if (stopping_) ::_exit(128 + number);
        stopping_ = true;
        exit_code_ = 128 + number;
        if (::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\n");
        wait_for_signal();
        cancel_();
    });
}

NodeOptions Session::node_options(bool with_accounts) const {
    NodeOptions node;
    node.executor = executor_;
    node.profile = options_.profile;
    node.home = options_.home;
    node.use_configured_accounts = with_accounts;
    if (!options_.log.empty()) node.settings["log.level"] = options_.log;
    for (const auto& setting : options_.settings) {
        const auto equals = setting.find('=');
        node.settings[setting.substr(0, equals)] = equals == std::string::npos ? "true" : setting.substr(equals + 1);
    }
    return node;
}

bool Session::open(bool with_accounts) {
    auto opened = open_node(node_options(with_accounts));
    if (!opened) {
        exit_code_ = fail("cannot start", opened.error());
        return false;
    }
    node_ = std::move(*opened);
    return true;
}

asio::awaitable<std::vector<AccountInfo>> Session::accounts_ready() {
    auto [error, accounts] = co_await node_.async_wait_accounts(kLoginPatience, kTuple);
    for (const auto& account : accounts) {
        if (account.state == AccountState::online) continue;
        const auto why = account.detail.empty() ? account.reason.message() : account.detail;
        fmt::print(stderr, "tube: {} is not online: {}\n", safe(account.name), safe(why));
    }
    co_return std::move(accounts);
}

int Session::fail(const std::string& what, const error_code& error, const std::string& detail) {
    std::string line = fmt::format("tube: {}: {}", what, detail.empty() ? error.message() : safe(detail));
    const auto advice = advice_for(error);
    if (!advice.empty()) line += fmt::format(". {}", advice);
    fmt::print(stderr, "{}\n", line);
    return exit_code_of(error);
}

void Session::say(const std::string& line) const {
    if (!options_.quiet) fmt::print(stderr, "{}\n", line);
}

}  // namespace tubes::cli
