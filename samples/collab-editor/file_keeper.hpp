// SPDX-License-Identifier: GPL-3.0-or-later
// The document's text as an ordinary file that other programs may change too.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>

#include "tubes/error.hpp"

namespace editor {

/// In the place of the state's size: there is no file yet, or no longer.
inline constexpr std::uint32_t kNoFile = 0xffffffff;

/// Reads, writes and watches the file; remembers the document's state as of the last save, from which a change by
/// another program is merged. Blocks for file access.
class FileKeeper {
public:
    /// `file` empty: the document has no file. `base` is where the state of the last save is kept.
    FileKeeper(std::filesystem::path file, std::filesystem::path base)
        : file_(std::move(file)), base_(std::move(base)) {}

    /// The body of a `disk` message; none without a file, or when it is larger than the page could take.
    std::optional<std::string> read();
    /// True when another program has written the file since it was read or saved.
    bool has_changed() const;
    /// Writes the file and remembers the state. would_block: another program has written it; merge that first.
    tubes::result<void> save(const std::string& state, const std::string& text);

private:
    using Stamp = std::tuple<ino_t, off_t, long, long>;
    Stamp stamp() const;

    std::filesystem::path file_, base_;
    Stamp seen_{};
};

}  // namespace editor
