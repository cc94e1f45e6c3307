// SPDX-License-Identifier: GPL-3.0-or-later
// Contacts by the names people type: which account, which person; and what is asked of and about them.
#pragma once

#include <optional>
#include <string>

#include "tubes/core/tube/broker.hpp"
#include "tubes/engine/completion.hpp"

namespace tubes::engine {

class Engine;

struct Resolved {
    core::ports::AccountName account;
    core::ContactAddress contact;
    bool is_listed = false;  ///< On the account's contact list.
};

/// On the loop.
class Contacts {
public:
    explicit Contacts(Engine& engine) : engine_(engine) {}

    /// Empty means this user on this machine. `account` if it is given; else an account that has the contact on its
    /// list, else any that can read the address. not_found (no such account), invalid_argument (no account's protocol
    /// can read it), not_connected (no account at all that could).
    result<Resolved> resolve(const std::string& contact, const std::string& account = {}) const;

    void list(CompletionPointer<std::vector<ContactInfo>> done) const;
    void services(const std::string& contact, CompletionPointer<std::vector<OfferedService>> done);
    void add(const std::string& contact, CompletionPointer<> done);
    void answer(const std::string& contact, bool allow, CompletionPointer<> done);
    void remove(const std::string& contact, CompletionPointer<> done);
    void ping(const std::string& contact, std::chrono::milliseconds deadline,
              CompletionPointer<std::vector<PingInfo>> done);

    void pins(const std::string& contact, CompletionPointer<std::vector<PinInfo>> done) const;
    void set_pin(const std::string& contact, const std::string& device, bool verified, CompletionPointer<> done);
    void compare(const std::string& contact, CompletionPointer<std::string> done);
    void set_policy(const std::string& contact, const std::string& service, Policy policy, CompletionPointer<> done);

private:
    std::optional<core::ports::Pin> find_pin(const Resolved& who, const std::string& device) const;
    void forget_key(const Resolved& who, const core::ports::Pin& pin, CompletionPointer<> done);
    Engine& engine_;
};

}  // namespace tubes::engine
