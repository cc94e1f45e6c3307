// SPDX-License-Identifier: GPL-3.0-or-later
// The document's text as an ordinary file that other programs may change too.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "tubes/error.hpp"

namespace editor {

/// In the place of the state's size: there is no file yet, or no longer.
inline constexpr std::uint32_t kNoFile = 0xffffffff;

/// What tells one content of a file from another: inode, size, time of change. All zero: there is none.
using FileStamp = std::tuple<ino_t, off_t, long, long>;
FileStamp stamp_of(const std::filesystem::path& file);

/// What errno says.
tubes::error_code last_error();
/// Writes all bytes to a file descriptor.
tubes::result<void> write_all(int descriptor, std::string_view bytes);

/// Writes a file so that after a crash either the old or the new text is there; keeps its permissions and its links.
/// With `expected`: only if the file is as it was then; would_block when another program has changed it, even while
/// this writes.
tubes::result<void> write_atomically(const std::filesystem::path& file, const std::string& text,
                                     const std::optional<FileStamp>& expected = std::nullopt);

/// Reads, writes and watches the file; remembers the document's state as of the last save, from which a change by
/// another program is merged. Blocks for file access.
class FileKeeper {
public:
    /// `file` empty: the document has no file. `base` is where the state of the last save is kept.
    FileKeeper(std::filesystem::path file, std::filesystem::path base)
        : file_(std::move(file)), base_(std::move(base)) {}

    bool has_file() const { return !file_.empty(); }
    /// The body of a `disk` message; none without a file, or when it is larger than the page could take.
    std::optional<std::string> read();
    /// True when another program has written the file since it was read or saved.
    bool has_changed() const;
    /// Writes the file and remembers the state. would_block: another program has written it; merge that first.
    tubes::result<void> save(const std::string& state, const std::string& text);

private:
    FileStamp stamp() const { return stamp_of(file_); }

    std::filesystem::path file_, base_;
    FileStamp seen_{};
};

}  // namespace editor
