// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/file_keeper.hpp"

#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "samples/collab-editor/log_store.hpp"
#include "samples/collab-editor/protocol.hpp"

namespace editor {
namespace {

std::string read_file(const std::filesystem::path& file) {
    std::ifstream input(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
}

}  // namespace

FileKeeper::Stamp FileKeeper::stamp() const {
    struct stat now {};
    if (::stat(file_.c_str(), &now) != 0) return {};
    return {now.st_ino, now.st_size, now.st_mtim.tv_sec, now.st_mtim.tv_nsec};
}

std::optional<std::string> FileKeeper::read() {
    if (file_.empty()) return std::nullopt;
    seen_ = stamp();
    if (static_cast<std::size_t>(std::get<1>(seen_)) > kMaxUpdateSize) return std::nullopt;
    std::string base = read_file(base_);
    // A file that was removed is written again: nobody deletes a shared text by deleting one copy.
    if (seen_ == Stamp{}) return write_number(kNoFile);
    std::string body = write_number(static_cast<std::uint32_t>(base.size()));
    return body + base + read_file(file_);
}

bool FileKeeper::has_changed() const {
    return !file_.empty() && stamp() != seen_ && stamp() != Stamp{};
}

tubes::result<void> FileKeeper::save(const std::string& state, const std::string& text) {
    if (file_.empty()) return {};
    if (has_changed()) return tubes::error_code(tubes::Errc::would_block);
    if (const auto written = write_atomically(file_, text); !written) return written;
    seen_ = stamp();
    return write_atomically(base_, state);
}

}  // namespace editor
