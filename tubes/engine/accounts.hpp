// SPDX-License-Identifier: GPL-3.0-or-later
// The accounts of a node: logging in and out, remembering them, and trying again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tubes/core/tube/broker.hpp"
#include "tubes/engine/completion.hpp"
#include "tubes/engine/registry.hpp"

namespace tubes::engine {

class Engine;

/// On the loop.
class Accounts {
public:
    explicit Accounts(Engine& engine) : engine_(engine) {}

    /// The local protocol and the accounts of the configuration, as the options say.
    void start(const NodeOptions& options);
    void login(LoginOptions options, CompletionPointer<AccountInfo> done);
    void logout(const std::string& name, bool forget, CompletionPointer<> done);
    void wait(std::chrono::milliseconds deadline, CompletionPointer<std::vector<AccountInfo>> done);

    std::vector<AccountInfo> list() const;
    std::vector<core::ports::AccountName> names() const;
    /// Null if there is no such account.
    const AccountInfo* find(const core::ports::AccountName& name) const;
    const core::ports::Identity* identity(const core::ports::AccountName& name) const;

    void on_state(const core::ports::AccountName& name, core::ports::ConnectionState state, error_code reason,
                  const std::string& detail);
    /// Accounts that wait to try again do so now.
    void network_changed();
    /// Logs all out; `done` once they are, or were given up.
    void close(std::function<void()> done);

private:
    using TimerPointer = std::unique_ptr<core::ports::Scheduler::Timer>;
    struct Account {
        AccountInfo info;
        LoginOptions options;
        std::unique_ptr<core::ports::Identity> identity;
        CompletionPointer<AccountInfo> login;  // somebody waits for the first log-in
        TimerPointer deadline;                 // of that log-in
        TimerPointer retry;
        std::chrono::seconds back_off{0};
        bool is_leaving = false;
    };
    struct Waiter {
        CompletionPointer<std::vector<AccountInfo>> done;
        TimerPointer deadline;
    };

    Surroundings surroundings() const;
    /// Makes the connection and starts it. Errors as login.
    result<core::ports::AccountName> add(const LoginOptions& options, std::string& detail);
    void add_configured(const AccountEntry& entry);
    result<void> connect(Account& account);
    void note(Account& account, AccountState state, error_code reason, const std::string& detail);
    void on_online(Account& account);
    void on_offline(const core::ports::AccountName& name);
    void fail_login(const core::ports::AccountName& name, error_code reason);
    void remember(const Account& account);
    void try_later(Account& account);
    void try_again(const core::ports::AccountName& name);
    void remove(const core::ports::AccountName& name, std::function<void()> done);
    void check_waiters();

    Engine& engine_;
    std::map<core::ports::AccountName, Account> accounts_;
    std::vector<Waiter> waiters_;
};

/// What a user can do about the reason for which an account is offline; one sentence, empty if there is nothing.
std::string advice_for(error_code reason, const std::string& account);

}  // namespace tubes::engine
