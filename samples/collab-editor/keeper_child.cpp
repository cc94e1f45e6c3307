// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples/collab-editor/keeper_child.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

#include "samples/collab-editor/framing.hpp"

namespace editor {

namespace asio = boost::asio;

KeeperChild::KeeperChild(asio::any_io_executor executor, Document& document, std::filesystem::path script)
    : executor_(std::move(executor)), document_(document), script_(std::move(script)) {}

KeeperChild::~KeeperChild() {
    if (process_ < 0) return;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
}

void KeeperChild::look() {
    if (process_ >= 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) {
        process_ = -1;
        stop();
    }
    if (document_.has_page()) {
        stop();
    } else if (process_ < 0 && !is_impossible_ && document_.has_file()) {
        start();
    }
}

void KeeperChild::stop() {
    if (member_) document_.remove(member_);  // its writer closes the socket, and the child ends
    member_.reset();
    socket_.reset();
}

void KeeperChild::start() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    // Not the page's listening socket, which the child would keep for a moment after this program was killed.
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    std::string program = "node", script = script_.string();
    const std::array<char*, 3> arguments{program.data(), script.data(), nullptr};
    const int failure = ::posix_spawnp(&process_, "node", &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (failure != 0) {
        ::close(ends[0]);
        process_ = -1;
        is_impossible_ = true;
        std::cerr << "collab-editor: Node cannot be started (" << std::strerror(failure)
                  << "): the file is saved, and changes to it are merged, while a page is open\n";
        return;
    }
    socket_ = std::make_shared<Socket>(executor_, asio::local::stream_protocol(), ends[0]);
    member_ = std::make_shared<Member>(executor_, MemberKind::child);
    document_.add(member_);
    asio::co_spawn(executor_, write_messages(socket_, member_), asio::detached);
    asio::co_spawn(executor_, talk(document_, socket_, member_), asio::detached);
}

asio::awaitable<void> KeeperChild::talk(Document& document, std::shared_ptr<Socket> socket,
                                        std::shared_ptr<Member> member) {
    for (;;) {
        const auto message = co_await read_message(socket, Sender::page);
        if (!message || !document.take(member, *message)) break;
    }
    document.remove(member);
}

}  // namespace editor
