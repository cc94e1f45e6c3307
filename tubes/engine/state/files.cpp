// SPDX-License-Identifier: GPL-3.0-or-later
// Files of a profile on POSIX calls.
#include "tubes/engine/state/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "tubes/base/log.hpp"

namespace tubes::engine {
namespace {

namespace fs = std::filesystem;

error_code last_error() {
    return {errno, boost::system::system_category()};
}

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {}
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return value_; }

private:
    int value_;
};

result<void> write_all(int descriptor, std::string_view content) {
    while (!content.empty()) {
        const auto count = ::write(descriptor, content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return last_error();
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

// A rename is durable once its directory is.
result<void> sync_directory(const fs::path& directory) {
    const Descriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (descriptor.get() < 0 || ::fsync(descriptor.get()) != 0) return last_error();
    return {};
}

result<void> fill(const fs::path& temporary, std::string_view content, mode_t mode) {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file.get() < 0) return last_error();
    if (auto written = write_all(file.get(), content); !written) return written;
    if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) return last_error();
    return {};
}

std::string utc_stamp() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
    return text.data();
}

}  // namespace

FileStamp stamp_of(const fs::path& path) noexcept {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return {};
    constexpr std::int64_t kNanoseconds = 1'000'000'000;
    return {found.st_dev, found.st_ino, found.st_mtim.tv_sec * kNanoseconds + found.st_mtim.tv_nsec, found.st_size};
}

result<std::string> read_file(const fs::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        if (errno == ENOENT) return make_error_code(Errc::not_found);
        return last_error();
    }
    std::string content;
    std::array<char, 16384> chunk;
    for (;;) {
        const auto count = ::read(file.get(), chunk.data(), chunk.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return last_error();
        if (count == 0) return content;
        content.append(chunk.data(), static_cast<std::size_t>(count));
        if (content.size() > kMaxFileSize) return make_error_code(Errc::limit_exceeded);
    }
}

result<void> write_file(const fs::path& path, std::string_view content, mode_t mode) {
    std::error_code missing;
    auto target = fs::canonical(path, missing);
    if (missing) target = path;
    struct stat found {};
    if (::stat(target.c_str(), &found) == 0) mode = found.st_mode & 0777;
    std::array<std::uint8_t, 8> random{};
    base::fill_random(random);
    auto temporary = target;
    temporary += ".new-" + base::to_hex(random);
    auto written = fill(temporary, content, mode);
    if (written && ::rename(temporary.c_str(), target.c_str()) != 0) written = last_error();
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    return sync_directory(target.has_parent_path() ? target.parent_path() : fs::path("."));
}

result<void> make_private_directory(const fs::path& path) {
    std::error_code error;
    if (path.has_parent_path() && !fs::exists(path.parent_path(), error)) {
        if (auto made = make_private_directory(path.parent_path()); !made) return made;
    }
    if (::mkdir(path.c_str(), 0700) == 0) return {};
    if (errno != EEXIST) return last_error();
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return last_error();
    if (!S_ISDIR(found.st_mode)) return error_code(ENOTDIR, boost::system::system_category());
    if (found.st_uid != ::geteuid()) return make_error_code(Errc::refused);
    return {};
}

result<fs::path> keep_aside(const fs::path& path, const std::string& why) {
    auto aside = path;
    aside += ".corrupt-" + utc_stamp();
    for (int count = 1; ::access(aside.c_str(), F_OK) == 0; ++count) {
        aside = path;
        aside += fmt::format(".corrupt-{}-{}", utc_stamp(), count);
    }
    if (::rename(path.c_str(), aside.c_str()) != 0) return last_error();
    base::logger("engine")->error("{} is damaged ({}); it was kept as {}", base::printable(path.string()),
                                  base::printable(why), base::printable(aside.filename().string()));
    return aside;
}

result<FileLock> FileLock::lock(const fs::path& path, int operation) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return last_error();
    FileLock held(descriptor);
    while (::flock(descriptor, operation) != 0) {
        if (errno == EINTR) continue;
        if (errno == EWOULDBLOCK) return make_error_code(Errc::already_exists);
        return last_error();
    }
    return held;
}

result<FileLock> FileLock::acquire(const fs::path& path) {
    return lock(path, LOCK_EX);
}

result<FileLock> FileLock::try_acquire(const fs::path& path) {
    return lock(path, LOCK_EX | LOCK_NB);
}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

FileLock::~FileLock() {
    // Closing gives the lock up; a forked child's copy of the descriptor keeps it until that child ends or execs.
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tubes::engine
