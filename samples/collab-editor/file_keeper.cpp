// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/file_keeper.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "samples/collab-editor/protocol.hpp"

namespace editor {
namespace {

std::string read_file(const std::filesystem::path& file) {
    std::ifstream input(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
}

}  // namespace

FileStamp stamp_of(const std::filesystem::path& file) {
    struct stat now {};
    if (::stat(file.c_str(), &now) != 0) return {};
    return {now.st_ino, now.st_size, now.st_mtim.tv_sec, now.st_mtim.tv_nsec};
}

tubes::error_code last_error() {
    return {errno, boost::system::system_category()};
}

tubes::result<void> write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return last_error();
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

namespace {

/// Puts `fresh` in the place of `file`. The two are exchanged, so that a change that another program made up to this
/// moment is not lost: it is put back.
tubes::result<void> replace_expected(const std::string& fresh, const std::string& file, const FileStamp& expected) {
    if (expected == FileStamp{}) {
        if (::link(fresh.c_str(), file.c_str()) == 0) return {};
        if (errno == EEXIST) return tubes::error_code(tubes::Errc::would_block);
    } else if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, file.c_str(), RENAME_EXCHANGE) == 0) {
        if (stamp_of(fresh) == expected) return {};
        ::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, file.c_str(), RENAME_EXCHANGE);
        return tubes::error_code(tubes::Errc::would_block);
    } else if (errno == ENOENT) {
        return tubes::error_code(tubes::Errc::would_block);
    }
    // A file system without exchange or links (FAT, some network ones).
    if (stamp_of(file) != expected) return tubes::error_code(tubes::Errc::would_block);
    return ::rename(fresh.c_str(), file.c_str()) == 0 ? tubes::result<void>() : last_error();
}

}  // namespace

tubes::result<void> write_atomically(const std::filesystem::path& file, const std::string& text,
                                     const std::optional<FileStamp>& expected) {
    std::error_code failure;
    const auto real = std::filesystem::exists(file) ? std::filesystem::canonical(file, failure) : file;
    struct stat old {};
    const bool existed = ::stat(real.c_str(), &old) == 0;
    const auto beside = real.string() + ".new-by-editor";
    const int descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return last_error();
    auto written = write_all(descriptor, text);
    const bool synced =
        written && ::fchmod(descriptor, existed ? old.st_mode & 07777 : 0644) == 0 && ::fsync(descriptor) == 0;
    if (written && !synced) written = last_error();
    ::close(descriptor);
    if (written && expected) {
        written = replace_expected(beside, real.string(), *expected);
    } else if (written && ::rename(beside.c_str(), real.c_str()) != 0) {
        written = last_error();
    }
    ::unlink(beside.c_str());
    return written;
}

std::optional<std::string> FileKeeper::read() {
    if (file_.empty()) return std::nullopt;
    seen_ = stamp();
    if (static_cast<std::size_t>(std::get<1>(seen_)) > kMaxUpdateSize) return std::nullopt;
    std::string base = read_file(base_);
    // A file that was removed is written again: nobody deletes a shared text by deleting one copy.
    if (seen_ == FileStamp{}) return write_number(kNoFile);
    std::string body = write_number(static_cast<std::uint32_t>(base.size()));
    return body + base + read_file(file_);
}

bool FileKeeper::has_changed() const {
    return !file_.empty() && stamp() != seen_ && stamp() != FileStamp{};
}

tubes::result<void> FileKeeper::save(const std::string& state, const std::string& text) {
    if (file_.empty()) return {};
    if (has_changed()) return tubes::error_code(tubes::Errc::would_block);
    // A file that is gone is written again.
    const auto expected = stamp() == FileStamp{} ? FileStamp{} : seen_;
    if (const auto written = write_atomically(file_, text, expected); !written) return written;
    seen_ = stamp();
    return write_atomically(base_, state);
}

}  // namespace editor
