// SPDX-License-Identifier: GPL-3.0-or-later
// Counting modulo 2^32.
#include "presence/xmpp/stream_management.hpp"

#include <charconv>

#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp {

void StreamManagement::start(std::string id) {
    stop();
    id_ = std::move(id);
    acknowledged_ = 0;
    received_ = 0;
    active_ = true;
    asked_ = false;
}

void StreamManagement::stop() {
    active_ = false;
    asked_ = false;
    id_.clear();
    orphans_.insert(orphans_.end(), queue_.begin(), queue_.end());
    queue_.clear();
    queued_bytes_ = 0;
}

result<void> StreamManagement::on_sent(const std::string& stanza) {
    if (!active_) return {};
    if (queued_bytes_ + stanza.size() > kMaxUnacknowledged) return make_error_code(Errc::limit_exceeded);
    queued_bytes_ += stanza.size();
    queue_.push_back(stanza);
    return {};
}

result<void> StreamManagement::on_acknowledged(const std::string& h) {
    std::uint32_t count = 0;
    const auto parsed = std::from_chars(h.data(), h.data() + h.size(), count);
    if (h.empty() || parsed.ec != std::errc() || parsed.ptr != h.data() + h.size()) {
        return make_error_code(Errc::protocol_violation);
    }
    const std::uint32_t fresh = count - acknowledged_;
    if (fresh > queue_.size()) return make_error_code(Errc::protocol_violation);
    for (std::uint32_t i = 0; i < fresh; ++i) {
        queued_bytes_ -= queue_.front().size();
        queue_.pop_front();
    }
    acknowledged_ = count;
    asked_ = false;
    return {};
}

bool StreamManagement::should_ask() noexcept {
    if (!active_ || asked_ || queue_.empty()) return false;
    asked_ = true;
    return true;
}

ElementPtr StreamManagement::acknowledgement() const {
    auto element = make_element("a", kStreamManagementNamespace);
    element->addAttribute("h", std::to_string(received_));
    return element;
}

ElementPtr StreamManagement::resumption() const {
    auto element = make_element("resume", kStreamManagementNamespace);
    element->addAttribute("h", std::to_string(received_));
    element->addAttribute("previd", id_);
    return element;
}

}  // namespace tubes::presence::xmpp
