// SPDX-License-Identifier: GPL-3.0-or-later
// The document in the middle: keeps what members send and passes it on to the others.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "samples/collab-editor/file_keeper.hpp"
#include "samples/collab-editor/log_store.hpp"
#include "samples/collab-editor/protocol.hpp"

namespace editor {

/// What takes part over a connection.
enum class MemberKind : std::uint8_t {
    peer,   ///< Another editor, at the end of a tube.
    page,   ///< A page of this editor.
    child,  ///< The process that keeps the file while no page is open.
};

/// Somebody who takes part.
class Member {
public:
    Member(const boost::asio::any_io_executor& executor, MemberKind kind) : kind_(kind), wake_(executor) {}

    MemberKind kind() const { return kind_; }
    /// Queues a message; one who does not read for `kMaxQueue` bytes is closed, and gets everything on return.
    void deliver(const Message& message);
    /// The next message to write; none once closed.
    boost::asio::awaitable<std::optional<Message>> next();
    void close();

    /// How long the reader waits after a message of `size` bytes, so that nobody sends faster than the limit.
    std::chrono::milliseconds pause_after(std::size_t size);

private:
    static constexpr std::size_t kMaxQueue = 300u << 20;        // bytes: a whole log and more
    static constexpr double kBytesPerSecond = 8.0 * (1 << 20);  // sustained
    static constexpr double kBurst = 32.0 * (1 << 20);          // bytes at once
    static constexpr std::size_t kMessageCost = 512;            // bytes that each message counts beside its own

    MemberKind kind_;
    bool is_closed_ = false;
    boost::asio::steady_timer wake_;
    std::deque<Message> queue_;
    std::size_t queued_ = 0;
    double debt_ = 0;
    std::chrono::steady_clock::time_point counted_ = std::chrono::steady_clock::now();
};

/// One document. Runs on one thread.
class Document {
public:
    /// Empty until `open`: who comes before that waits for the text.
    void open(LogStore log, FileKeeper file);

    /// A member came: it is sent everything there is.
    void add(const std::shared_ptr<Member>& member);
    void remove(const std::shared_ptr<Member>& member);
    /// A member sent something. protocol_violation, limit_exceeded: end its connection.
    tubes::result<void> take(const std::shared_ptr<Member>& member, const Message& message);
    /// Sends to all pages.
    void tell_pages(const Message& message);
    /// Looks whether the file has changed, and puts edits on the disk; to be called several times a second.
    void look();
    bool has_page() const;
    bool has_file() const { return file_ && file_->has_file(); }
    /// What keeps edits from being stored, in words; empty: nothing.
    const std::string& problem() const { return problem_; }

private:
    tubes::result<void> take_update(const std::shared_ptr<Member>& from, const Message& message);
    tubes::result<void> take_save(const std::shared_ptr<Member>& from, const std::string& body);
    void send_all(Member& member);
    void pass_on(const Member& from, const Message& message);
    void choose_keeper();

    std::optional<LogStore> log_;
    std::optional<FileKeeper> file_;
    std::string problem_;
    std::vector<std::shared_ptr<Member>> members_;
    std::weak_ptr<Member> keeper_;  ///< The page, or the child, that writes the file and merges its changes.
    bool is_compacting_ = false;
};

}  // namespace editor
