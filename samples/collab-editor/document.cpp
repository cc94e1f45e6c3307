// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/document.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iostream>

namespace editor {

void Member::deliver(const Message& message) {
    if (is_closed_) return;
    queued_ += message.size() + 1;
    if (queued_ > kMaxQueue) return close();
    queue_.push_back(message);
    wake_.cancel();
}

boost::asio::awaitable<std::optional<Message>> Member::next() {
    while (queue_.empty() && !is_closed_) {
        wake_.expires_at(std::chrono::steady_clock::time_point::max());
        boost::system::error_code woken;
        co_await wake_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
    if (is_closed_) co_return std::nullopt;
    Message message = queue_.front();
    queue_.pop_front();
    queued_ -= message.size() + 1;
    co_return message;
}

void Member::close() {
    is_closed_ = true;
    wake_.cancel();
}

std::chrono::milliseconds Member::pause_after(std::size_t size) {
    const auto now = std::chrono::steady_clock::now();
    const double elapsed = std::chrono::duration<double>(now - counted_).count();
    counted_ = now;
    debt_ = std::max(0.0, debt_ - elapsed * kBytesPerSecond) + static_cast<double>(size + kMessageCost);
    if (debt_ <= kBurst) return {};
    return std::chrono::milliseconds(static_cast<long>((debt_ - kBurst) / kBytesPerSecond * 1000) + 1);
}

void Document::open(LogStore log, FileKeeper file) {
    log_.emplace(std::move(log));
    file_.emplace(std::move(file));
    for (const auto& member : members_) send_all(*member);
    choose_keeper();
}

void Document::send_all(Member& member) {
    for (const auto& record : log_->records()) member.deliver(make_message(MessageType::update, record));
    member.deliver(make_message(MessageType::caught_up));
}

void Document::add(const std::shared_ptr<Member>& member) {
    if (log_) send_all(*member);
    members_.push_back(member);
    choose_keeper();
}

void Document::remove(const std::shared_ptr<Member>& member) {
    members_.erase(std::remove(members_.begin(), members_.end(), member), members_.end());
    member->close();
    if (keeper_.lock() == member) {
        keeper_.reset();
        is_compacting_ = false;
        choose_keeper();
    }
}

void Document::choose_keeper() {
    const auto now = keeper_.lock();
    if (!file_ || (now && now->kind() == MemberKind::page)) return;
    const auto find = [this](MemberKind kind) {
        const auto is_kind = [kind](const auto& member) { return member->kind() == kind; };
        return std::find_if(members_.begin(), members_.end(), is_kind);
    };
    auto best = find(MemberKind::page);
    if (best == members_.end()) best = find(MemberKind::child);
    if (best == members_.end() || *best == now) return;
    keeper_ = *best;
    is_compacting_ = false;
    if (auto disk = file_->read()) (*best)->deliver(make_message(MessageType::disk, std::move(*disk)));
}

bool Document::has_page() const {
    return std::any_of(members_.begin(), members_.end(),
                       [](const auto& member) { return member->kind() == MemberKind::page; });
}

tubes::result<void> Document::take(const std::shared_ptr<Member>& member, const Message& message) {
    if (!log_) return {};
    switch (message.type) {
        case MessageType::update: return take_update(member, message);
        case MessageType::awareness:
        case MessageType::chat: pass_on(*member, message); return {};
        case MessageType::save: return take_save(member, *message.body);
        case MessageType::compact:
            if (message.size() < 5 || keeper_.lock() != member) break;
            is_compacting_ = false;
            return log_->replace(read_number(*message.body), message.body->substr(4));
        case MessageType::hello:
        case MessageType::caught_up: return {};
        default: break;
    }
    return tubes::error_code(tubes::Errc::protocol_violation);
}

tubes::result<void> Document::take_update(const std::shared_ptr<Member>& from, const Message& message) {
    if (const auto kept = log_->append(*message.body); !kept) {
        if (kept.error() == tubes::Errc::already_exists) return {};
        problem_ = "edits cannot be kept here: " + kept.error().message();
        std::cerr << "collab-editor: " << problem_ << "\n";
        return kept.error();
    }
    problem_.clear();
    pass_on(*from, message);
    const auto keeper = keeper_.lock();
    if (keeper && !is_compacting_ && log_->wants_snapshot()) {
        is_compacting_ = true;
        const auto count = static_cast<std::uint32_t>(log_->records().size());
        keeper->deliver(make_message(MessageType::compact, write_number(count)));
    }
    return {};
}

tubes::result<void> Document::take_save(const std::shared_ptr<Member>& from, const std::string& body) {
    if (body.size() < 4 || read_number(body) > body.size() - 4) {
        return tubes::error_code(tubes::Errc::protocol_violation);
    }
    if (keeper_.lock() != from) return {};
    const std::size_t state_size = read_number(body);
    const auto saved = file_->save(body.substr(4, state_size), body.substr(4 + state_size));
    if (saved) {
        problem_.clear();
        from->deliver(make_message(MessageType::saved));
    } else if (saved.error() == tubes::Errc::would_block) {
        look();
    } else {
        problem_ = "the file cannot be saved: " + saved.error().message();
        std::cerr << "collab-editor: " << problem_ << "\n";
    }
    return {};
}

void Document::pass_on(const Member& from, const Message& message) {
    for (const auto& member : members_) {
        if (member.get() != &from) member->deliver(message);
    }
}

void Document::tell_pages(const Message& message) {
    for (const auto& member : members_) {
        if (member->kind() == MemberKind::page) member->deliver(message);
    }
}

void Document::look() {
    if (!log_) return;
    log_->sync_later();
    const auto keeper = keeper_.lock();
    if (!keeper || !file_->has_changed()) return;
    if (auto disk = file_->read()) keeper->deliver(make_message(MessageType::disk, std::move(*disk)));
}

}  // namespace editor
