// SPDX-License-Identifier: GPL-3.0-or-later
// Tells a person what happens while a command stays in the foreground, and asks them what policies leave open.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "tubes/cli/session.hpp"
#include "tubes/cli/terminal.hpp"

namespace tubes::cli {

/// Follows a node's events for share, offer, connect and serve.
class Narrator : public std::enable_shared_from_this<Narrator> {
public:
    explicit Narrator(Session& session) : session_(session) {}

    /// Whose requests to see our presence are granted without a question: contacts named on the command line.
    void trust_subscriptions_of(const std::string& contact) { expected_.insert(contact); }
    /// Called for each event after it was told.
    void on_event(std::function<void(const Event&)> watch) { watch_ = std::move(watch); }

    /// Follows until the node closes.
    boost::asio::awaitable<void> follow(std::shared_ptr<Narrator> self);

private:
    void tell(const Event& event);
    void tell_link(const LinkInfo& link);
    void tell_account(const AccountInfo& account);
    void want_answer(const PendingInfo& pending);
    boost::asio::awaitable<void> ask_pending(std::shared_ptr<Narrator> self);
    boost::asio::awaitable<void> ask_one(PendingInfo pending);
    boost::asio::awaitable<void> answer_subscription(std::shared_ptr<Narrator> self, SubscriptionRequested request);

    Session& session_;
    std::set<std::string> expected_;
    std::function<void(const Event&)> watch_;
    std::map<std::string, std::string> told_paths_;  // what was last said of a link
    std::map<std::string, AccountState> told_states_;
    std::map<std::string, TubeInfo> tubes_;
    std::deque<PendingInfo> questions_;
    std::unique_ptr<Questions> terminal_;
    bool asking_ = false;
};

/// Makes sure that both sides may see each other's presence; asks the contact if not. Says so.
boost::asio::awaitable<void> ensure_contact(Session& session, std::string contact);

}  // namespace tubes::cli
