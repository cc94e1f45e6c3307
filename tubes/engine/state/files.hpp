// SPDX-License-Identifier: GPL-3.0-or-later
// Files of a profile: bounded reading, atomic writing, locks between processes, and where damaged files go.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "tubes/base/bytes.hpp"

namespace tubes::engine {

/// Largest file of a profile that is read, in bytes. A larger one counts as damaged.
inline constexpr std::size_t kMaxFileSize = 8 * 1024 * 1024;

/// Tells whether a file is the one that was read last: every atomic write changes the inode.
struct FileStamp {
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t modified_ns = 0;
    std::int64_t size = -1;  ///< -1: there is no file.
    bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const std::filesystem::path& path) noexcept;

/// The whole file. not_found; limit_exceeded over kMaxFileSize; a system error.
result<std::string> read_file(const std::filesystem::path& path);

/// Replaces the file as a whole, durably: a reader sees the old or the new content, also after a crash. Follows a
/// symbolic link, so that a configuration kept elsewhere stays there. `mode` holds for a file that is new.
result<void> write_file(const std::filesystem::path& path, std::string_view content, mode_t mode = 0600);

/// Creates the directory and its parents with mode 0700. refused if it exists but belongs to another user.
result<void> make_private_directory(const std::filesystem::path& path);

/// Moves a damaged file to "<name>.corrupt-<UTC time>" and says so in the log. Returns where it went.
result<std::filesystem::path> keep_aside(const std::filesystem::path& path, const std::string& why);

/// An advisory lock between processes and between nodes of one process (flock on a file of its own). Movable.
class FileLock {
public:
    /// Waits for the lock (writers hold it for milliseconds).
    static result<FileLock> acquire(const std::filesystem::path& path);
    /// Errc::already_exists if somebody holds it. Held until destroyed.
    static result<FileLock> try_acquire(const std::filesystem::path& path);
    FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileLock& operator=(FileLock&& other) noexcept;
    ~FileLock();

private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}
    static result<FileLock> lock(const std::filesystem::path& path, int operation);
    int descriptor_ = -1;
};

}  // namespace tubes::engine
