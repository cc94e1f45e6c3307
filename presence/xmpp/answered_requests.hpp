// SPDX-License-Identifier: GPL-3.0-or-later
// Remembers what was asked and answered, so that a request repeated after a broken stream acts once only.
#pragma once

#include <list>
#include <map>
#include <string>

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxAnswered = 1024;        // requests remembered
inline constexpr std::size_t kMaxAnswerBytes = 1 << 20;  // of remembered answers; older ones go first

/// Requests by sender and id, oldest forgotten first.
class AnsweredRequests {
public:
    enum class Seen : std::uint8_t { first_time, under_way, answered };

    /// Notes a request. With Seen::answered, `answer` is what to send again.
    Seen note(const std::string& from, const std::string& id, std::string& answer);
    /// The answer that was given.
    void answer(const std::string& from, const std::string& id, const std::string& stanza);

private:
    struct Entry {
        std::string stanza;  // empty: under way
        std::list<std::string>::iterator order;
    };

    void trim();

    std::map<std::string, Entry> entries_;
    std::list<std::string> order_;
    std::size_t bytes_ = 0;
};

}  // namespace tubes::presence::xmpp
