// SPDX-License-Identifier: GPL-3.0-or-later
// The document as a file of opaque updates: appended one by one, replaced by a snapshot from time to time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <vector>

#include "tubes/error.hpp"

namespace editor {

inline constexpr std::size_t kMaxLogSize = 256u << 20;       // bytes; further updates are refused
inline constexpr std::size_t kCompactAfterRecords = 2000;    // records since the last snapshot
inline constexpr std::size_t kCompactAfterBytes = 4u << 20;  // bytes since the last snapshot

/// Owns one document's log. A record that a killed program or a full disk left incomplete is cut off when the log is
/// opened again; all before it is kept. One program at a time (flock). Blocks for file access. Not thread-safe.
class LogStore {
public:
    /// Opens or makes the log. already_exists: another program has it; state_corrupt: not such a file.
    static tubes::result<LogStore> open(const std::filesystem::path& file);
    LogStore(LogStore&& other) noexcept;
    LogStore& operator=(LogStore&&) = delete;
    ~LogStore();

    /// Every update in the order in which it came.
    const std::vector<std::string>& records() const { return records_; }
    /// Adds an update. already_exists: it is there; limit_exceeded: the log is full; else what the system said.
    tubes::result<void> append(std::string update);
    /// Puts on the disk what was appended, on a thread of its own, so that typing never waits for it; does nothing
    /// while the last call is at work or when there is nothing new.
    void sync_later();
    /// True when a snapshot would make the log much smaller.
    bool wants_snapshot() const;
    /// Puts `snapshot` in the place of the first `count` records, atomically. invalid_argument.
    tubes::result<void> replace(std::size_t count, std::string snapshot);

private:
    LogStore(std::filesystem::path file, int descriptor);
    tubes::result<void> load();
    tubes::result<void> write_record(int descriptor, const std::string& record) const;
    bool remember(const std::string& record);

    std::filesystem::path file_;
    int descriptor_;
    std::future<void> syncing_;
    bool is_unsynced_ = false;
    std::vector<std::string> records_;
    std::set<std::string> digests_;
    std::size_t size_ = 0;
    std::size_t snapshot_records_ = 0;
    std::size_t snapshot_size_ = 0;
};

}  // namespace editor
