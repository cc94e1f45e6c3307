// SPDX-License-Identifier: GPL-3.0-or-later
// Two nodes of one user in one process, and short names for what the tests of the public API do with them.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <string>
#include <tuple>

#include "tests/support/future_token.hpp"
#include "tests/support/scratch_directory.hpp"
#include "tubes/engine.hpp"

namespace tubes::test {

inline constexpr std::chrono::seconds kPatience{20};  // for anything that should happen

/// Emits where the node's handlers run, as Asio asks for: a signal and its slot are one thread's at a time.
inline void emit(boost::asio::cancellation_signal& signal, const boost::asio::any_io_executor& executor) {
    std::promise<void> done;
    boost::asio::post(executor, [&] {
        signal.emit(boost::asio::cancellation_type::terminal);
        done.set_value();
    });
    done.get_future().get();
}

/// What a future gives; throws when it does not end.
template <class T>
T result_of(std::future<T>& future) {
    if (future.wait_for(kPatience) != std::future_status::ready) throw std::runtime_error("an operation does not end");
    return future.get();
}
/// What an operation ended with: its error, or none.
template <class T>
error_code outcome(std::future<T>& future) {
    return std::get<0>(result_of(future));
}
template <class T>
error_code outcome(std::future<T>&& future) {
    return outcome(future);
}
/// What an operation gave; throws what it ended with.
template <class T>
T value(std::future<std::tuple<error_code, T>> future) {
    auto [error, given] = result_of(future);
    if (error) throw boost::system::system_error(error);
    return std::move(given);
}
/// What a test's own promise was given.
template <class T>
T given(std::promise<T>& promise) {
    auto future = promise.get_future();
    return result_of(future);
}

/// Nodes that meet in a directory of their own, by the `local` protocol.
class NodeContract : public testing::Test {
protected:
    NodeOptions options(const std::string& profile = "default") const {
        NodeOptions made;
        made.home = home_.path();
        made.profile = profile;
        made.settings["log.level"] = "error";
        return made;
    }
    Node open(const std::string& profile = "default") const {
        auto node = open_node(options(profile));
        if (!node) throw boost::system::system_error(node.error());
        return std::move(*node);
    }
    static ShareOptions share_options(const std::string& service = "web") {
        ShareOptions made;
        made.service = service;
        made.policy = Policy::always;
        return made;
    }
    static ConnectOptions connect_options(const std::string& service = "web") {
        ConnectOptions made;
        made.service = service;
        made.deadline = kPatience;
        return made;
    }
    static Share share(Node& node, const std::string& service = "web") {
        return value(node.async_share(share_options(service), kFuture));
    }
    static Tube connect(Node& node, const std::string& service = "web") {
        return value(node.async_connect(connect_options(service), kFuture));
    }

    ScratchDirectory home_;
};

/// Both ends of one stream of one tube.
class StreamContract : public NodeContract {
protected:
    StreamContract() {
        auto accepted = share_.async_accept(kFuture);
        near_ = value(tube_.async_open_stream(kFuture));
        far_ = value(std::move(accepted));
    }

    Node server_ = open();
    Node client_ = open();
    Share share_ = share(server_);
    Tube tube_ = connect(client_);
    Stream near_;
    Stream far_;
};

}  // namespace tubes::test
