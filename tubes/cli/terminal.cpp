// SPDX-License-Identifier: GPL-3.0-or-later
// Questions, passwords and the progress line.
#include "tubes/cli/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>

namespace tubes::cli {
namespace {

constexpr std::size_t kMaxLine = 1024;  // bytes of an answer; the rest is ignored

/// Turns echo off, and on again when it goes. Ctrl-C meanwhile waits until the mode is restored.
class EchoOff {
public:
    EchoOff() {
        sigset_t block;
        sigemptyset(&block);
        for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGTSTP}) sigaddset(&block, number);
        ::pthread_sigmask(SIG_BLOCK, &block, &before_);
        ::tcgetattr(STDIN_FILENO, &mode_);
        termios quiet = mode_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        quiet.c_lflag |= ECHONL;
        // ISIG off: Ctrl-C arrives as a character, so that the mode is restored before the program ends.
        quiet.c_lflag &= ~static_cast<tcflag_t>(ISIG | ICANON);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;
    ~EchoOff() {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode_);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        fmt::print(stderr, "\n");
    }

private:
    termios mode_{};
    sigset_t before_{};
};

result<std::string> read_line_raw(bool terminal) {
    constexpr char kInterrupt = 3;   // Ctrl-C
    constexpr char kEndOfInput = 4;  // Ctrl-D
    constexpr char kDelete = 127;
    std::string line;
    for (;;) {
        char c = 0;
        const ssize_t count = ::read(STDIN_FILENO, &c, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        if (c == '\n' || c == '\r') return line;
        if (terminal && c == kInterrupt) return make_error_code(Errc::cancelled);
        if (terminal && c == kEndOfInput) break;
        if (terminal && (c == kDelete || c == '\b')) {
            if (!line.empty()) line.pop_back();
        } else if (line.size() < kMaxLine) {
            line.push_back(c);
        }
    }
    if (line.empty()) return make_error_code(Errc::cancelled);
    return line;
}

}  // namespace

bool can_ask() {
    return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0;
}

result<std::string> read_password(const std::string& prompt) {
    if (::isatty(STDIN_FILENO) == 0) return read_line_raw(false);
    fmt::print(stderr, "{}", prompt);
    std::fflush(stderr);
    const EchoOff echo_off;
    return read_line_raw(true);
}

Questions::Questions(const boost::asio::any_io_executor& executor)
    : input_(executor, ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) {}

boost::asio::awaitable<char> Questions::ask(std::string question) {
    fmt::print(stderr, "{} ", question);
    std::fflush(stderr);
    // Waits instead of reading without blocking: the terminal's flags belong to the shell, too.
    const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    auto [error] = co_await input_.async_wait(boost::asio::posix::stream_descriptor::wait_read, token);
    if (error) co_return '\0';
    line_.resize(kMaxLine);
    const ssize_t count = ::read(STDIN_FILENO, line_.data(), line_.size());
    if (count <= 0) co_return '\0';
    const auto first = line_.find_first_not_of(" \t");
    const char c = first == std::string::npos ? '\n' : line_[first];
    co_return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Ticker::Ticker() : active_(::isatty(STDERR_FILENO) != 0) {}

void Ticker::show(const std::string& line) {
    if (!active_) return;
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    const std::size_t width = known ? size.ws_col - 1U : 79U;
    fmt::print(stderr, "\r\x1b[K{}", line.substr(0, width));
    std::fflush(stderr);
    shown_ = true;
}

void Ticker::clear() {
    if (!shown_) return;
    fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
    shown_ = false;
}

}  // namespace tubes::cli
