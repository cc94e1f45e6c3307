// SPDX-License-Identifier: GPL-3.0-or-later
// Waiting on descriptors and moving what they can take without blocking.
#include "tubes/endpoints/descriptor_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <climits>

namespace tubes::endpoints {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

/// True if an event loop can wait on it; plain files are always ready and cannot be waited for.
bool can_wait(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

bool is_ready(int descriptor, short events) {
    pollfd query{descriptor, events, 0};
    return ::poll(&query, 1, 0) > 0;
}

error_code last_error() {
    if (errno == EAGAIN || errno == EINTR) return make_error_code(Errc::would_block);
    if (errno == EPIPE || errno == ECONNRESET) return make_error_code(Errc::connection_reset);
    return {errno, boost::system::system_category()};
}

/// A duplicate that the loop may wait on; the original's flags stay as they are, since the loop is not told to
/// make it non-blocking: every read and write asks poll first.
class Waitable {
public:
    Waitable(const boost::asio::any_io_executor& executor, int duplicate)
        : waits_(can_wait(duplicate)), number_(duplicate), descriptor_(executor) {
        if (waits_) descriptor_.assign(duplicate);
    }
    Waitable(const Waitable&) = delete;
    Waitable& operator=(const Waitable&) = delete;
    ~Waitable() { close(); }

    int number() const { return number_; }

    void wait(Descriptor::wait_type type, LocalStream::WaitHandler handler) {
        if (!waits_) return boost::asio::post(descriptor_.get_executor(), [handler] { handler({}); });
        descriptor_.async_wait(type, [handler = std::move(handler)](error_code error) {
            if (error != boost::asio::error::operation_aborted) handler(error);
        });
    }

    void close() {
        boost::system::error_code ignored;
        if (waits_) {
            descriptor_.close(ignored);
        } else if (number_ >= 0) {
            ::close(number_);
        }
        waits_ = false;
        number_ = -1;
    }

private:
    bool waits_;
    int number_;
    Descriptor descriptor_;
};

class DescriptorStream final : public LocalStream {
public:
    DescriptorStream(const boost::asio::any_io_executor& executor, int input, int output)
        : input_(executor, input), output_(executor, output), alive_(std::make_shared<bool>(true)) {}

    void async_wait_readable(WaitHandler handler) override {
        input_.wait(Descriptor::wait_read, guarded(std::move(handler)));
    }
    void async_wait_writable(WaitHandler handler) override {
        output_.wait(Descriptor::wait_write, guarded(std::move(handler)));
    }

    result<std::size_t> read(base::MutableByteView into) override {
        if (!is_ready(input_.number(), POLLIN)) return make_error_code(Errc::would_block);
        const ssize_t count = ::read(input_.number(), into.data(), into.size());
        if (count > 0) return static_cast<std::size_t>(count);
        return count == 0 ? make_error_code(Errc::end_of_stream) : last_error();
    }

    result<std::size_t> write(base::ByteView data) override {
        if (!is_ready(output_.number(), POLLOUT)) return make_error_code(Errc::would_block);
        ssize_t count = ::send(output_.number(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == ENOTSOCK) {
            // A pipe or terminal that polls writable takes PIPE_BUF bytes without blocking (POSIX, pipe(7)).
            count = ::write(output_.number(), data.data(), std::min<std::size_t>(data.size(), PIPE_BUF));
        }
        if (count >= 0) return static_cast<std::size_t>(count);
        return last_error();
    }

    void shutdown_write() override {
        ::shutdown(output_.number(), SHUT_WR);  // for sockets; a pipe's reader sees the end when the process exits
    }
    void reset() override { close(); }
    void close() override {
        *alive_ = false;
        input_.close();
        output_.close();
    }

private:
    WaitHandler guarded(WaitHandler handler) {
        return [alive = std::weak_ptr<bool>(alive_), handler = std::move(handler)](error_code error) {
            const auto still = alive.lock();
            if (still && *still) handler(error);
        };
    }

    Waitable input_;
    Waitable output_;
    std::shared_ptr<bool> alive_;
};

}  // namespace

result<std::unique_ptr<LocalStream>> make_descriptor_stream(const boost::asio::any_io_executor& executor, int input,
                                                            int output) {
    const int in = ::fcntl(input, F_DUPFD_CLOEXEC, 3);
    const int out = in < 0 ? -1 : ::fcntl(output, F_DUPFD_CLOEXEC, 3);
    if (out < 0) {
        const error_code error(errno, boost::system::system_category());
        if (in >= 0) ::close(in);
        return error;
    }
    return std::make_unique<DescriptorStream>(executor, in, out);
}

}  // namespace tubes::endpoints
