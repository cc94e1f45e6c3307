// SPDX-License-Identifier: GPL-3.0-or-later
// What the public API promises of nodes: each operation ends once and on the right executor, whatever happens to them.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "tests/contract/node/node_fixture.hpp"
#include "tests/contract/node/resources.hpp"

namespace tubes::test {
namespace {

namespace asio = boost::asio;

TEST_F(NodeContract, OperationsCompleteExactlyOnceAndNeverInsideTheCall) {
    std::atomic<int> completed{0};
    std::atomic<bool> inside{false};
    constexpr int kRounds = 200;
    {
        Node node = open();
        const auto count = [&](error_code, auto&&...) {
            EXPECT_FALSE(inside);
            ++completed;
        };
        // On the node's own thread nothing can complete before this call is over, unless inside it.
        std::promise<void> begun;
        asio::post(node.get_executor(), [&] {
            inside = true;
            for (int i = 0; i < kRounds; ++i) {
                node.async_status(count);
                node.async_contacts(count);
                node.async_connect(connect_options("nobody-has-it"), count);
                node.async_share(share_options("s" + std::to_string(i)), count);
            }
            inside = false;
            begun.set_value();
        });
        begun.get_future().wait();
    }
    // The destructor waited for the node's thread: whatever was not over ended with it.
    EXPECT_EQ(completed, 4 * kRounds);
}

TEST_F(NodeContract, WhatIsOutstandingIsCancelledWhenTheNodeGoes) {
    Node node = open();
    auto events = node.events();
    auto next = events.async_next(kFuture);
    Share share = NodeContract::share(node);
    auto accept = share.async_accept(kFuture);
    auto connect = node.async_connect(connect_options("nobody-has-it"), kFuture);
    node = Node();
    EXPECT_EQ(outcome(connect), Errc::cancelled);
    EXPECT_EQ(outcome(accept), Errc::cancelled);
    error_code end;
    while (!end) {
        end = outcome(next);
        if (!end) next = events.async_next(kFuture);
    }
    EXPECT_EQ(end, Errc::cancelled);
    EXPECT_EQ(outcome(share.async_accept(kFuture)), Errc::cancelled);
}

TEST_F(NodeContract, ANodeMayBeDestroyedInsideItsOwnHandler) {
    auto node = std::make_unique<Node>(open());
    std::promise<std::thread::id> destroyed;
    node->async_status([&](error_code, const Status&) {
        node.reset();
        destroyed.set_value(std::this_thread::get_id());
    });
    EXPECT_NE(given(destroyed), std::this_thread::get_id());

    asio::io_context context;
    auto here = options();
    here.executor = context.get_executor();
    auto opened = open_node(here);
    ASSERT_TRUE(opened);
    node = std::make_unique<Node>(std::move(*opened));
    bool done = false;
    node->async_contacts([&](error_code, const std::vector<ContactInfo>&) {
        node.reset();
        done = true;
    });
    context.run_for(kPatience);
    EXPECT_TRUE(done);
    EXPECT_TRUE(context.stopped());  // nothing of the node is left on the loop
}

TEST_F(NodeContract, HandlersRunOnTheirExecutorElseOnTheNodes) {
    Node node = open();
    asio::io_context own;
    auto guard = asio::make_work_guard(own);
    std::thread::id seen;
    node.async_status(asio::bind_executor(own, [&](error_code, const Status&) {
        seen = std::this_thread::get_id();
        guard.reset();
    }));
    own.run_for(kPatience);
    EXPECT_EQ(seen, std::this_thread::get_id());

    std::promise<std::thread::id> nodes;
    asio::post(node.get_executor(), [&] { nodes.set_value(std::this_thread::get_id()); });
    std::promise<std::thread::id> handlers;
    node.async_status([&](error_code, const Status&) { handlers.set_value(std::this_thread::get_id()); });
    EXPECT_EQ(given(nodes), given(handlers));
}

TEST_F(NodeContract, AGivenExecutorRunsEverythingAndNoThreadIsMade) {
    const auto before = threads_of_this_process();
    asio::io_context context;
    auto here = options();
    here.executor = context.get_executor();
    auto server = open_node(here);
    auto client = open_node(here);
    ASSERT_TRUE(server && client);
    EXPECT_EQ(threads_of_this_process(), before);
    error_code result = Errc::internal;
    Share share;
    Tube tube;
    server->async_share(share_options(), [&](error_code error, Share shared) {
        ASSERT_FALSE(error);
        share = std::move(shared);
        client->async_connect(connect_options(), [&](error_code connected, Tube opened) {
            result = connected;
            tube = std::move(opened);
            server->close();
            client->close();
        });
    });
    context.run_for(kPatience);
    EXPECT_FALSE(result) << result.message();
    EXPECT_TRUE(context.stopped());
}

TEST_F(NodeContract, SeveralNodesOfSeveralProfilesLiveInOneProcess) {
    std::vector<Node> nodes;
    for (int i = 0; i < 4; ++i) nodes.push_back(open(i < 2 ? "default" : "other"));
    std::vector<Share> shares;
    for (std::size_t i = 0; i < nodes.size(); ++i) shares.push_back(share(nodes[i], "s" + std::to_string(i)));
    Tube first = connect(nodes[1], "s0");
    Tube second = connect(nodes[3], "s2");
    EXPECT_EQ(first.info().service, "s0");
    EXPECT_EQ(second.info().service, "s2");
    nodes.erase(nodes.begin());
    EXPECT_TRUE(outcome(first.async_wait_closed(kFuture)));
    EXPECT_FALSE(outcome(second.async_open_stream(kFuture)));
}

TEST_F(NodeContract, ACancelledConnectTakesItsRequestBack) {
    Node server = open();
    Node client = open();
    auto asked = share_options();
    asked.policy = Policy::ask;
    asked.audience = {"local"};  // without an audience one's own programs are not asked about
    Share share = value(server.async_share(asked, kFuture));
    auto events = server.events();
    asio::cancellation_signal cancel;
    std::promise<error_code> ended;
    client.async_connect(connect_options(), asio::bind_cancellation_slot(cancel.slot(), [&](error_code error, Tube) {
                             ended.set_value(error);
                         }));
    std::string pending;
    while (pending.empty()) {
        auto event = value(events.async_next(kFuture));
        if (const auto* request = std::get_if<RequestPending>(&event)) pending = request->request.id;
    }
    emit(cancel, client.get_executor());
    EXPECT_EQ(given(ended), Errc::cancelled);
    for (;;) {
        auto event = value(events.async_next(kFuture));
        const auto* over = std::get_if<RequestEnded>(&event);
        if (over && over->id == pending) break;
    }
    EXPECT_EQ(outcome(server.async_answer(pending, true, kFuture)), Errc::not_found);
}

TEST_F(NodeContract, ACancelledWaitForAnEventLosesNone) {
    Node node = open();
    auto events = node.events();
    for (int i = 0; i < 100; ++i) {
        asio::cancellation_signal cancel;
        std::promise<std::optional<std::string>> first;
        events.async_next(asio::bind_cancellation_slot(cancel.slot(), [&](error_code error, const Event& event) {
            const auto* changed = error ? nullptr : std::get_if<AccountChanged>(&event);
            first.set_value(changed ? std::optional(changed->account.name) : std::nullopt);
        }));
        // The log-in fails at once and says so in one event: it races with the cancellation.
        LoginOptions login;
        login.address = "alice" + std::to_string(i) + "@example.org";
        login.password = "x";
        login.host = "127.0.0.1:1";
        login.remember = false;
        auto failing = node.async_login(login, kFuture);
        emit(cancel, node.get_executor());
        EXPECT_TRUE(outcome(failing));
        auto seen = given(first);
        while (seen != login.address) {
            auto event = value(events.async_next(kFuture));
            if (const auto* changed = std::get_if<AccountChanged>(&event)) seen = changed->account.name;
        }
    }
}

TEST_F(NodeContract, AChildProcessIsToldThatTheNodeIsItsParents) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer ends a child process of a program with threads that starts one itself";
#endif
    Node server = open();
    Node client = open();
    Share share = NodeContract::share(server);
    Tube tube = connect(client);
    const auto child = ::fork();
    if (child == 0) {
        const bool told = outcome(client.async_status(kFuture)) == Errc::forked &&
                          outcome(tube.async_open_stream(kFuture)) == Errc::forked &&
                          outcome(share.async_accept(kFuture)) == Errc::forked;
        client = Node();
        tube = Tube();
        ::_exit(told ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    // The child's end did not speak for the parent.
    auto accepted = share.async_accept(kFuture);
    EXPECT_FALSE(outcome(tube.async_open_stream(kFuture)));
    EXPECT_FALSE(outcome(accepted));
}

TEST_F(NodeContract, AThousandCyclesLeaveNothingBehind) {
    Node server = open();
    Node client = open();
    Share share = NodeContract::share(server);
    const auto cycle = [&] {
        Tube tube = connect(client);
        auto accepted = share.async_accept(kFuture);
        Stream near = value(tube.async_open_stream(kFuture));
        Stream far = value(std::move(accepted));
        auto given_up = tube.async_wait_closed(kFuture);
        tube.close();
        EXPECT_EQ(outcome(given_up), Errc::cancelled);
    };
    for (int i = 0; i < 100; ++i) cycle();
    settle(client);
    const auto before = Resources::now();
    for (int i = 0; i < 1000; ++i) cycle();
    settle(client);
    const auto after = Resources::now();
    EXPECT_LE(after.descriptors, before.descriptors);
    EXPECT_LE(after.threads, before.threads);
    EXPECT_LE(after.heap_bytes, before.heap_bytes + 256 * 1024) << before.heap_bytes;
}

TEST_F(NodeContract, NodesOpenedAndClosedManyTimesLeaveNothingBehind) {
    const auto threads = threads_of_this_process();
    const auto cycle = [&] {
        Node node = open();
        EXPECT_FALSE(outcome(node.async_wait_accounts(kPatience, kFuture)));
    };
    for (int i = 0; i < 5; ++i) cycle();
    const auto before = Resources::settled(threads);
    for (int i = 0; i < 50; ++i) cycle();
    const auto after = Resources::settled(threads);
    EXPECT_LE(after.descriptors, before.descriptors);
    EXPECT_LE(after.threads, before.threads);
    EXPECT_LE(after.heap_bytes, before.heap_bytes + 256 * 1024) << before.heap_bytes;
}

}  // namespace
}  // namespace tubes::test
