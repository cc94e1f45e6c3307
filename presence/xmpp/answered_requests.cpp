// SPDX-License-Identifier: GPL-3.0-or-later
// A map with a bounded memory.
#include "presence/xmpp/answered_requests.hpp"

namespace tubes::presence::xmpp {
namespace {

std::string key_of(const std::string& from, const std::string& id) {
    return from + '\0' + id;
}

}  // namespace

AnsweredRequests::Seen AnsweredRequests::note(const std::string& from, const std::string& id, std::string& answer) {
    const std::string key = key_of(from, id);
    const auto found = entries_.find(key);
    if (found == entries_.end()) {
        order_.push_back(key);
        entries_[key] = {"", std::prev(order_.end())};
        trim();
        return Seen::first_time;
    }
    answer = found->second.stanza;
    return answer.empty() ? Seen::under_way : Seen::answered;
}

void AnsweredRequests::answer(const std::string& from, const std::string& id, const std::string& stanza) {
    const auto found = entries_.find(key_of(from, id));
    if (found == entries_.end() || !found->second.stanza.empty()) return;
    found->second.stanza = stanza;
    bytes_ += stanza.size();
    trim();
}

void AnsweredRequests::trim() {
    while (entries_.size() > kMaxAnswered || bytes_ > kMaxAnswerBytes) {
        const auto oldest = entries_.find(order_.front());
        bytes_ -= oldest->second.stanza.size();
        entries_.erase(oldest);
        order_.pop_front();
    }
}

}  // namespace tubes::presence::xmpp
