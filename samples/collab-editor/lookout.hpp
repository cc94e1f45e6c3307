// SPDX-License-Identifier: GPL-3.0-or-later
// Who is there, and which documents they share with this user: contacts, own programs, occupants of the room.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tubes/engine.hpp"
#include "tubes/room.hpp"

namespace editor {

/// Somebody whose editor could be reached.
struct Person {
    std::string address;  ///< A contact's; an occupant's nickname; "local" for this user's other programs.
    bool in_room = false;
    std::map<std::string, std::string> documents;  ///< Title to service: what they share with us.
};

/// Asks contacts what they share: those who came at once, the others from time to time. Runs on the node's executor.
class Lookout {
public:
    explicit Lookout(tubes::Node& node) : node_(node) {}

    /// Brings the list up to date; what was asked for comes later. `room`: null without one.
    boost::asio::awaitable<void> look(std::shared_ptr<tubes::Room> room);
    const std::vector<Person>& people() const { return people_; }
    /// The nickname of an occupant, by what links and tubes call them; empty: nobody of the room.
    std::string nick_of(const std::string& contact) const;
    /// True when `address` shares `service` with us, as far as is known.
    bool shares(const std::string& address, const std::string& service) const;

private:
    struct Asked {
        std::vector<std::string> peers;
        std::chrono::steady_clock::time_point when;
        std::map<std::string, std::string> documents;
    };

    void ask_if_due(const tubes::ContactInfo& contact, std::vector<std::string> peers);
    static boost::asio::awaitable<void> ask(tubes::Node& node, std::weak_ptr<Asked> asked, std::string contact);

    tubes::Node& node_;
    std::vector<Person> people_;
    std::map<std::string, std::string> nicks_;
    std::map<std::string, std::shared_ptr<Asked>> asked_;
};

}  // namespace editor
