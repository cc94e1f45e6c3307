// SPDX-License-Identifier: GPL-3.0-or-later
// A child process whose end the loop waits for.
#include "tubes/cli/bus_command.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <csignal>

#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kVariable = "DBUS_SESSION_BUS_ADDRESS=";
constexpr int kPatience_ms = 3000;  // for a command that is asked to end

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (auto& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

/// A process id, or the system's error.
result<pid_t> spawn(std::vector<std::string> command, const Endpoint& bus) {
    std::vector<std::string> variables;
    for (char** each = environ; *each; ++each) {
        if (!std::string_view(*each).starts_with(kVariable)) variables.emplace_back(*each);
    }
    variables.push_back(bus_variable(bus));
    auto arguments = pointers(command);
    auto environment = pointers(variables);
    pid_t child = 0;
    const int error = ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environment.data());
    if (error != 0) return error_code(error, boost::system::system_category());
    return child;
}

/// The shell's form of how it ended.
int reap(pid_t child) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return kBroken;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string bus_variable(const Endpoint& bus) {
    return std::string(kVariable) + bus.bus_address();
}

asio::awaitable<int> run_with_bus(Session& session, std::vector<std::string> command, Endpoint bus) {
    const auto child = spawn(command, bus);
    if (!child) {
        session.fail("cannot run " + safe(command.front()), child.error());
        co_return kUsage;
    }
    const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, *child, 0));
    if (descriptor >= 0) {
        asio::posix::stream_descriptor ended(session.context(), descriptor);
        auto [stopped] = co_await ended.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
        if (stopped) {
            ::kill(*child, SIGTERM);
            pollfd wait{descriptor, POLLIN, 0};
            if (::poll(&wait, 1, kPatience_ms) == 0) ::kill(*child, SIGKILL);
        }
    }
    co_return reap(*child);
}

}  // namespace tubes::cli
