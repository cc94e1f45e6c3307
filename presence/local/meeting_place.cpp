// SPDX-License-Identifier: GPL-3.0-or-later
// Publishing, finding and clearing away node sockets.
#include "presence/local/meeting_place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tubes/types.hpp"

namespace tubes::presence::local {
namespace {

constexpr std::string_view kSuffix = ".node";

/// Holds the directory's lock, so that clearing away a dead socket and publishing a new one cannot cross.
class DirectoryLock {
public:
    explicit DirectoryLock(const std::filesystem::path& directory)
        : descriptor_(::open((directory / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        if (descriptor_ >= 0) ::flock(descriptor_, LOCK_EX);
    }
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;
    ~DirectoryLock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

private:
    int descriptor_;
};

bool is_private_directory(const std::filesystem::path& directory) {
    struct stat status {};
    if (::lstat(directory.c_str(), &status) != 0) return false;
    return S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 077) == 0;
}

/// True if a process listens at `path`. Connecting to a Unix socket does not block unless its backlog is full, and
/// then somebody listens.
bool is_alive(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof(address.sun_path)) return false;
    std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return true;
    const int outcome = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    const bool alive = outcome == 0 || errno == EAGAIN;
    ::close(descriptor);
    return alive;
}

}  // namespace

result<MeetingPlace> MeetingPlace::open(std::filesystem::path directory) {
    std::error_code ignored;
    std::filesystem::create_directories(directory.parent_path(), ignored);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return make_error_code(Errc::not_available);
    if (!is_private_directory(directory)) return make_error_code(Errc::not_available);
    return MeetingPlace(std::move(directory));
}

std::filesystem::path MeetingPlace::socket_path(const std::string& name) const {
    return directory_ / (name + std::string(kSuffix));
}

result<void> MeetingPlace::publish(boost::asio::local::stream_protocol::acceptor& acceptor,
                                   const std::string& name) const {
    const auto path = socket_path(name);
    const auto temporary = directory_ / ("." + name + ".new");
    if (temporary.native().size() >= sizeof(sockaddr_un::sun_path)) return make_error_code(Errc::invalid_argument);
    const DirectoryLock lock(directory_);
    if (is_alive(path)) return make_error_code(Errc::already_exists);
    ::unlink(temporary.c_str());
    boost::system::error_code error;
    acceptor.open(boost::asio::local::stream_protocol(), error);
    if (!error) acceptor.bind(boost::asio::local::stream_protocol::endpoint(temporary.native()), error);
    if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) return error;
    if (::rename(temporary.c_str(), path.c_str()) != 0) return make_error_code(Errc::not_available);
    return {};
}

void MeetingPlace::withdraw(const std::string& name) const noexcept {
    ::unlink(socket_path(name).c_str());
}

std::vector<std::string> MeetingPlace::names() const {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
        const auto file = entry.path().filename().native();
        if (file.size() <= kSuffix.size() || file.front() == '.' || !file.ends_with(kSuffix)) continue;
        const auto name = file.substr(0, file.size() - kSuffix.size());
        if (is_valid_service_name(name)) found.push_back(name);
    }
    return found;
}

boost::asio::local::stream_protocol::endpoint MeetingPlace::endpoint(const std::string& name) const {
    return {socket_path(name).native()};
}

void MeetingPlace::remove_dead(const std::string& name) const noexcept {
    const DirectoryLock lock(directory_);
    const auto path = socket_path(name);
    if (!is_alive(path)) ::unlink(path.c_str());
}

}  // namespace tubes::presence::local
