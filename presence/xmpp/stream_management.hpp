// SPDX-License-Identifier: GPL-3.0-or-later
// Which stanzas the server has taken, and what to say to resume a broken stream. Spec: XEP-0198 1.6.
// Every stanza is counted here, whoever sends it: gloox counted only some, and lost the others on resumption.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "presence/xmpp/xml.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxUnacknowledged = 4 * 1024 * 1024;  // bytes kept for a server that never acknowledges

/// The counters of one stream, which may outlive several TCP connections. No input or output.
class StreamManagement {
public:
    /// From <enabled/> on. `id` is empty if the server will not resume.
    void start(std::string id);
    /// Forgets the stream; what was not acknowledged is an orphan from then on.
    void stop();

    bool is_active() const noexcept { return active_; }
    bool can_resume() const noexcept { return active_ && !id_.empty(); }

    /// A stanza goes out. Errc::limit_exceeded if the server has acknowledged nothing for too long.
    result<void> on_sent(const std::string& stanza);
    /// A stanza came in.
    void on_received() noexcept { ++received_; }
    /// <a h=> or <resumed h=>. Errc::protocol_violation for a number that is none or beyond what was sent.
    result<void> on_acknowledged(const std::string& h);

    /// True once after something was sent and no question is under way; the caller then sends <r/>.
    bool should_ask() noexcept;
    /// The TCP connection is gone: the question under way will not be answered on it.
    void on_disconnected() noexcept { asked_ = false; }

    ElementPtr acknowledgement() const;
    ElementPtr resumption() const;

    /// What the server may not have got, oldest first; to be sent again after a resumption, and kept until then.
    std::vector<std::string> unacknowledged() const { return {queue_.begin(), queue_.end()}; }
    /// What the server of a stream that could not be resumed may not have got.
    std::vector<std::string> take_orphans() { return std::exchange(orphans_, {}); }

private:
    std::string id_;
    std::deque<std::string> queue_;
    std::vector<std::string> orphans_;
    std::size_t queued_bytes_ = 0;
    std::uint32_t acknowledged_ = 0;  // of ours, modulo 2^32 (§4)
    std::uint32_t received_ = 0;      // of theirs, modulo 2^32
    bool active_ = false;
    bool asked_ = false;
};

}  // namespace tubes::presence::xmpp
