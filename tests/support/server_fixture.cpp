// SPDX-License-Identifier: GPL-3.0-or-later
// Starting, asking and ending the fixture scripts.
#include "tests/support/server_fixture.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace tubes::test {
namespace {

// Prosody takes up to 2.5 s on a quiet machine; sanitizer builds and two busy cores multiply that.
constexpr std::chrono::seconds kStartLimit{40};
constexpr std::chrono::seconds kCommandLimit{30};

struct Pipe {
    int read_end = -1;
    int write_end = -1;
};

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
    return {ends[0], ends[1]};
}

// The script notices our death, even by SIGKILL, as the end of its stdin: no other child may hold that pipe open.
pid_t spawn(const std::string& program, const std::vector<std::string>& arguments, int input, int output) {
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error(program + ": " + std::strerror(error));
    return pid;
}

}  // namespace

ServerFixture::ServerFixture(const std::string& script, const std::vector<std::string>& arguments) : script_(script) {
    const Pipe input = make_pipe();
    const Pipe output = make_pipe();
    to_script_ = input.write_end;
    from_script_ = output.read_end;
    try {
        pid_ = spawn(std::string(TUBES_TEST_SUPPORT_DIRECTORY) + "/" + script, arguments, input.read_end,
                     output.write_end);
        ::close(input.read_end);
        ::close(output.write_end);
        description_ = read_answer(kStartLimit);
    } catch (...) {
        end();
        throw;
    }
}

ServerFixture::~ServerFixture() {
    end();
}

void ServerFixture::end() noexcept {
    if (to_script_ >= 0) ::close(to_script_);
    if (from_script_ >= 0) ::close(from_script_);
    to_script_ = from_script_ = -1;
    if (pid_ > 0) {
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    pid_ = -1;
}

std::uint16_t ServerFixture::port(std::string_view name) const {
    return description_.at("ports").at(std::string(name)).get<std::uint16_t>();
}

nlohmann::json ServerFixture::command(const std::string& line) {
    const std::string text = line + "\n";
    if (::write(to_script_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error(script_ + " takes no commands: " + std::strerror(errno));
    }
    return read_answer(kCommandLimit);
}

nlohmann::json ServerFixture::read_answer(std::chrono::seconds limit) {
    const auto give_up = std::chrono::steady_clock::now() + limit;
    for (;;) {
        if (const auto end_of_line = buffer_.find('\n'); end_of_line != std::string::npos) {
            auto answer = nlohmann::json::parse(buffer_.substr(0, end_of_line));
            buffer_.erase(0, end_of_line + 1);
            if (!answer.value("ok", false)) {
                throw std::runtime_error(script_ + ": " + answer.value("error", std::string("no reason given")));
            }
            return answer;
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
        pollfd waiting{from_script_, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0) {
            throw std::runtime_error(script_ + " did not answer in time");
        }
        char bytes[4096];
        const ssize_t count = ::read(from_script_, bytes, sizeof bytes);
        if (count == 0) throw std::runtime_error(script_ + " ended without an answer");
        if (count > 0) buffer_.append(bytes, static_cast<std::size_t>(count));
    }
}

ServerFixture start_prosody(const std::vector<std::string>& accounts, const std::vector<std::string>& more) {
    std::vector<std::string> arguments;
    for (const auto& account : accounts) {
        arguments.push_back("--account");
        arguments.push_back(account);
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ServerFixture("prosody.py", arguments);
}

ServerFixture start_coturn(const std::vector<std::string>& more) {
    return ServerFixture("coturn.py", more);
}

}  // namespace tubes::test
