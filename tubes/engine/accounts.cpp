// SPDX-License-Identifier: GPL-3.0-or-later
// Accounts from log-in to log-out.
#include "tubes/engine/accounts.hpp"

#include "presence/local/local_connection.hpp"
#include "tubes/base/log.hpp"
#include "tubes/engine/configured_connection.hpp"
#include "tubes/engine/convert.hpp"
#include "tubes/engine/engine.hpp"

namespace tubes::engine {
namespace {

using core::ports::AccountName;
using core::ports::ConnectionState;

constexpr std::chrono::seconds kFirstRetry{5};
constexpr std::chrono::seconds kLastRetry{300};

// Worth another try without the user: what the network or the server may cure by itself.
bool is_transient(error_code reason) {
    return reason == Errc::network_unreachable || reason == Errc::timed_out || reason == Errc::broken ||
           reason == Errc::connection_refused || reason == Errc::connection_reset || reason == Errc::not_connected;
}

LoginOptions to_login(const AccountEntry& entry) {
    LoginOptions options;
    options.address = entry.address;
    options.host = entry.host;
    options.direct_tls = entry.direct_tls;
    options.ca_file = entry.ca_file;
    options.pinned_certificate = entry.pinned_certificate;
    options.allow_plain = entry.allow_plain;
    options.remember = false;
    return options;
}

AccountEntry to_entry(const LoginOptions& options, const AccountName& name) {
    AccountEntry entry;
    entry.address = name;
    entry.host = options.host;
    entry.direct_tls = options.direct_tls;
    entry.ca_file = options.ca_file.string();
    entry.pinned_certificate = options.pinned_certificate;
    entry.allow_plain = options.allow_plain;
    return entry;
}

}  // namespace

Surroundings Accounts::surroundings() const {
    return {engine_.loop()->executor(), &engine_.scheduler(), &engine_.profile()};
}

void Accounts::start(const NodeOptions& options) {
    if (options.use_local && engine_.profile().settings->boolean("local.enabled")) {
        LoginOptions local;
        local.address = presence::local::kSelf;
        local.remember = false;
        std::string detail;
        if (auto added = add(local, detail); !added) {
            base::logger("engine")->error("cannot start the local protocol: {}", added.error().message());
        }
    }
    if (!options.use_configured_accounts) return;
    for (const auto& entry : engine_.profile().config->content().accounts) {
        if (entry.enabled) add_configured(entry);
    }
}

void Accounts::add_configured(const AccountEntry& entry) {
    std::string detail;
    const auto added = add(to_login(entry), detail);
    if (added || added.error() == Errc::already_exists) return;
    // It stays on the list, so that the user sees why it is not there.
    auto& account = accounts_[entry.address];
    account.info.name = entry.address;
    note(account, AccountState::offline, added.error(), detail);
}

result<AccountName> Accounts::add(const LoginOptions& given, std::string& detail) {
    auto options = given;
    const auto* protocol = find_protocol(options.address);
    if (!protocol) return make_error_code(Errc::invalid_argument);
    const bool needs_password = options.address != presence::local::kSelf;
    if (needs_password && options.password.empty()) {
        auto stored = engine_.profile().secrets->find(options.address);
        if (!stored) return make_error_code(Errc::authentication_failed);
        options.password = std::move(*stored);
    }
    auto connection = protocol->make(surroundings(), options, detail);
    if (!connection) return connection.error();
    auto name = (*connection)->info().self.value;
    if (name.empty()) name = options.address;
    const auto known = accounts_.find(name);
    // One that failed before may be tried again by hand.
    const bool is_idle = known != accounts_.end() && !engine_.broker().connection(name);
    if (known != accounts_.end() && !is_idle) return make_error_code(Errc::already_exists);
    auto identity = load_identity(engine_.profile().directories.state, name);
    if (!identity) return identity.error();

    auto& account = accounts_[name] = Account{};
    account.options = std::move(options);
    account.identity = std::move(*identity);
    account.info.name = name;
    account.info.protocol = protocol->name;
    account.info.state = AccountState::connecting;
    account.info.device = device_name(account.identity->public_key(), engine_.crypto());
    auto wrapped = with_ice_servers(std::move(*connection), engine_.profile().settings->ice_servers());
    auto added = engine_.broker().add_connection(name, std::move(wrapped), *account.identity);
    if (!added) {
        accounts_.erase(name);
        return added.error();
    }
    return name;
}

void Accounts::login(LoginOptions options, CompletionPointer<AccountInfo> done) {
    const auto deadline = engine_.scheduler().now() + options.deadline;
    std::string detail;
    auto added = add(options, detail);
    if (!added) {
        AccountInfo info;
        info.name = options.address;
        info.reason = added.error();
        info.detail = detail.empty() ? advice_for(added.error(), options.address) : detail;
        return done->finish(added.error(), std::move(info));
    }
    auto& account = accounts_.at(*added);
    account.login = done;
    account.deadline = engine_.scheduler().call_at(deadline, [this, name = *added] {
        const auto& late = accounts_.at(name).info;
        fail_login(name, late.reason ? late.reason : make_error_code(Errc::timed_out));
    });
    done->on_cancel([engine = engine_.weak_from_this(), name = *added] {
        if (auto alive = engine.lock()) alive->accounts().fail_login(name, Errc::cancelled);
    });
}

void Accounts::on_state(const AccountName& name, ConnectionState state, error_code reason, const std::string& detail) {
    const auto found = accounts_.find(name);
    if (found == accounts_.end()) return;
    auto& account = found->second;
    if (account.is_leaving) return;
    if (const auto* connection = engine_.broker().connection(name)) {
        const auto info = connection->info();
        account.info.server = info.server;
        account.info.security = info.security;
        account.info.features = info.features;
    }
    note(account, to_state(state), reason, detail);
    if (state == ConnectionState::online) on_online(account);
    if (state == ConnectionState::offline) on_offline(name);
    check_waiters();
}

void Accounts::note(Account& account, AccountState state, error_code reason, const std::string& detail) {
    account.info.state = state;
    account.info.reason = reason;
    account.info.detail = detail;
    const auto advice = advice_for(reason, account.info.name);
    if (!advice.empty()) account.info.detail += (detail.empty() ? "" : ": ") + advice;
    engine_.events().push(AccountChanged{account.info});
}

void Accounts::on_online(Account& account) {
    account.back_off = std::chrono::seconds(0);
    account.deadline.reset();
    if (!account.login) return;
    remember(account);
    std::exchange(account.login, nullptr)->succeed(account.info);
}

void Accounts::on_offline(const AccountName& name) {
    auto& account = accounts_.at(name);
    if (account.login) {
        const auto reason = account.info.reason;
        return fail_login(name, reason ? reason : make_error_code(Errc::broken));
    }
    if (is_transient(account.info.reason)) try_later(account);
}

// A log-in by hand that failed leaves nothing behind.
void Accounts::fail_login(const AccountName& name, error_code reason) {
    const auto found = accounts_.find(name);
    if (found == accounts_.end() || !found->second.login) return;
    auto& account = found->second;
    auto login = std::exchange(account.login, nullptr);
    account.info.state = AccountState::offline;
    account.info.reason = reason;
    if (account.info.detail.empty()) account.info.detail = advice_for(reason, name);
    login->finish(reason, account.info);
    remove(name, [] {});
}

void Accounts::remember(const Account& account) {
    if (!account.options.remember) return;
    auto& profile = engine_.profile();
    auto kept = profile.config->put_account(to_entry(account.options, account.info.name));
    if (kept) kept = profile.secrets->put(account.info.name, account.options.password);
    if (!kept) {
        base::logger("engine")->error("{} is logged in but could not be remembered: {}",
                                      base::printable(account.info.name), kept.error().message());
    }
}

void Accounts::try_later(Account& account) {
    account.back_off = account.back_off.count() == 0 ? kFirstRetry : std::min(account.back_off * 2, kLastRetry);
    account.info.state = AccountState::reconnecting;
    account.retry = engine_.scheduler().call_at(engine_.scheduler().now() + account.back_off,
                                                [this, name = account.info.name] { try_again(name); });
}

void Accounts::try_again(const AccountName& name) {
    auto& account = accounts_.at(name);
    const auto back_off = account.back_off;
    auto options = account.options;
    remove(name, [this, name, back_off, options] {
        std::string detail;
        const auto added = add(options, detail);
        if (added) accounts_.at(name).back_off = back_off;
    });
}

void Accounts::network_changed() {
    std::vector<AccountName> waiting;
    for (const auto& [name, account] : accounts_) {
        if (account.retry && !account.is_leaving) waiting.push_back(name);
    }
    for (const auto& name : waiting) try_again(name);
}

// The identity outlives the connection that uses it.
void Accounts::remove(const AccountName& name, std::function<void()> done) {
    auto& account = accounts_.at(name);
    account.is_leaving = true;
    account.retry.reset();
    account.deadline.reset();
    engine_.broker().remove_connection(name, [engine = engine_.weak_from_this(), name, done = std::move(done)] {
        auto alive = engine.lock();
        if (!alive) return;
        alive->accounts().accounts_.erase(name);
        done();
        alive->accounts().check_waiters();
    });
}

void Accounts::logout(const std::string& name, bool forget, CompletionPointer<> done) {
    auto& profile = engine_.profile();
    result<void> forgotten = make_error_code(Errc::not_found);
    if (forget) {
        forgotten = profile.config->remove_account(name);
        const auto removed = profile.secrets->remove(name);
        if (forgotten && !removed) forgotten = removed;
    }
    const auto found = accounts_.find(name);
    const bool is_here = found != accounts_.end() && !found->second.is_leaving;
    if (!is_here) return done->finish(forgotten ? error_code() : forgotten.error());
    remove(name, [engine = engine_.weak_from_this(), done, info = found->second.info]() mutable {
        info.state = AccountState::offline;
        info.reason = {};
        info.detail = "logged out";
        if (auto alive = engine.lock()) alive->events().push(AccountChanged{info});
        done->succeed();
    });
}

void Accounts::wait(std::chrono::milliseconds deadline, CompletionPointer<std::vector<AccountInfo>> done) {
    auto timer =
        engine_.scheduler().call_at(engine_.scheduler().now() + deadline, [this, done] { done->succeed(list()); });
    waiters_.push_back({std::move(done), std::move(timer)});
    check_waiters();
}

void Accounts::check_waiters() {
    std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.done->is_done(); });
    for (const auto& [name, account] : accounts_) {
        if (account.info.state == AccountState::connecting && !account.is_leaving) return;
    }
    for (auto& waiter : std::exchange(waiters_, {})) waiter.done->succeed(list());
}

std::vector<AccountInfo> Accounts::list() const {
    std::vector<AccountInfo> list;
    for (const auto& [name, account] : accounts_) {
        if (!account.is_leaving) list.push_back(account.info);
    }
    return list;
}

std::vector<AccountName> Accounts::names() const {
    std::vector<AccountName> names;
    for (const auto& [name, account] : accounts_) {
        if (!account.is_leaving) names.push_back(name);
    }
    return names;
}

const AccountInfo* Accounts::find(const AccountName& name) const {
    const auto found = accounts_.find(name);
    return found == accounts_.end() || found->second.is_leaving ? nullptr : &found->second.info;
}

const core::ports::Identity* Accounts::identity(const AccountName& name) const {
    const auto found = accounts_.find(name);
    return found == accounts_.end() ? nullptr : found->second.identity.get();
}

void Accounts::close(std::function<void()> done) {
    for (auto& waiter : std::exchange(waiters_, {})) waiter.done->fail(Errc::cancelled);
    auto left = std::make_shared<std::size_t>(1);
    const auto one_less = [left, done = std::move(done)] {
        if (--*left == 0) done();
    };
    for (const auto& name : names()) {
        auto& account = accounts_.at(name);
        if (account.login) std::exchange(account.login, nullptr)->fail(Errc::cancelled);
        ++*left;
        remove(name, one_less);
    }
    one_less();
}

}  // namespace tubes::engine
