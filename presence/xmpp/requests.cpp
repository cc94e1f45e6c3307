// SPDX-License-Identifier: GPL-3.0-or-later
// Matching by (from, id).
#include "presence/xmpp/requests.hpp"

#include <boost/asio/post.hpp>

namespace tubes::presence::xmpp {

Requests::Requests(boost::asio::any_io_executor executor, Sender sender)
    : executor_(std::move(executor)), sender_(std::move(sender)) {}

Requests::~Requests() {
    *alive_ = false;
}

void Requests::ask(ElementPtr iq, Options options, Callback callback) {
    Entry entry;
    entry.id = random_id();
    iq->addAttribute("id", entry.id);
    if (auto to = Jid::parse(attribute(*iq, "to"))) entry.to = *to;
    entry.stanza = iq->xml();
    entry.on_loss = options.on_loss;
    entry.callback = std::move(callback);
    add(std::move(entry), options.deadline);
}

void Requests::tell(ElementPtr stanza, std::chrono::milliseconds deadline, Callback callback) {
    Entry entry;
    entry.id = random_id();
    stanza->addAttribute("id", entry.id);
    entry.stanza = stanza->xml();
    entry.is_unanswered = true;
    entry.on_loss = OnLoss::repeat;
    entry.callback = std::move(callback);
    add(std::move(entry), deadline);
}

void Requests::add(Entry entry, std::chrono::milliseconds deadline) {
    if (entries_.size() >= kMaxRequests || bytes_ + entry.stanza.size() > kMaxRequestBytes) {
        return complete_later(std::move(entry.callback), Errc::limit_exceeded);
    }
    if (!connected_ && entry.on_loss == OnLoss::fail) {
        return complete_later(std::move(entry.callback), Errc::not_connected);
    }
    const std::uint64_t number = next_++;
    bytes_ += entry.stanza.size();
    by_id_[entry.id] = number;
    entry.deadline = std::make_unique<boost::asio::steady_timer>(executor_, deadline);
    entry.deadline->async_wait([this, alive = alive_, number](error_code error) {
        if (error || !*alive) return;
        const auto found = entries_.find(number);
        if (found != entries_.end()) complete(found, make_error_code(Errc::timed_out));
    });
    const auto added = entries_.emplace(number, std::move(entry)).first;
    if (connected_) transmit(added);
}

void Requests::transmit(Entries::iterator entry) {
    entry->second.sent = true;
    sender_(entry->second.stanza);
    if (!entry->second.is_unanswered) return;
    // Nothing answers it. The callback may not run inside the call that sent it.
    Callback callback = std::move(entry->second.callback);
    entry->second.callback = nullptr;
    complete(entry, static_cast<const Element*>(nullptr));
    boost::asio::post(executor_, [alive = alive_, callback = std::move(callback)] {
        if (*alive && callback) callback(static_cast<const Element*>(nullptr));
    });
}

void Requests::complete(Entries::iterator entry, result<const Element*> answer) {
    const Entry taken = std::move(entry->second);
    bytes_ -= taken.stanza.size();
    by_id_.erase(taken.id);
    entries_.erase(entry);
    if (taken.callback) taken.callback(answer);
}

void Requests::complete_later(Callback callback, error_code reason) {
    boost::asio::post(executor_, [alive = alive_, callback = std::move(callback), reason] {
        if (*alive && callback) callback(reason);
    });
}

bool Requests::may_answer(const Entry& entry, const std::string& from) const {
    Jid sender;
    if (!from.empty()) {
        auto parsed = Jid::parse(from);
        if (!parsed) return false;
        sender = *parsed;
    }
    // RFC 6120 §8.1.2.1: no sender means our own account; servers also write it out, bare or full.
    const bool is_self = sender.empty() || sender == self_ || sender == self_.without_resource();
    if (entry.to.empty() || entry.to == self_.without_resource()) return is_self;
    return sender == entry.to;
}

bool Requests::on_answer(const Element& iq) {
    const auto known = by_id_.find(attribute(iq, "id"));
    if (known == by_id_.end()) return false;
    const auto entry = entries_.find(known->second);
    if (entry == entries_.end() || !entry->second.sent || !may_answer(entry->second, attribute(iq, "from")))
        return false;
    complete(entry, &iq);
    return true;
}

void Requests::on_stream(bool resumed) {
    connected_ = true;
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, entry] : entries_) numbers.push_back(number);
    for (const auto number : numbers) {
        const auto found = entries_.find(number);
        if (found == entries_.end() || !connected_) continue;
        Entry& entry = found->second;
        if (entry.sent && resumed) continue;
        if (entry.sent && entry.on_loss == OnLoss::fail) {
            complete(found, make_error_code(Errc::not_connected));
        } else {
            transmit(found);
        }
    }
}

void Requests::fail_all(error_code reason) {
    connected_ = false;
    while (!entries_.empty()) complete(entries_.begin(), reason);
}

}  // namespace tubes::presence::xmpp
