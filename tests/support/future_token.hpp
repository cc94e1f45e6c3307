// SPDX-License-Identifier: GPL-3.0-or-later
// A completion token that gives a future of all that a handler would get, the error code included. Boost 1.81 cannot
// combine as_tuple and use_future; and an exception that goes from thread to thread is more than ThreadSanitizer
// follows.
#pragma once

#include <boost/asio/async_result.hpp>
#include <future>
#include <memory>
#include <tuple>
#include <utility>

namespace tubes::test {

struct FutureToken {};
inline constexpr FutureToken kFuture;

}  // namespace tubes::test

template <class... Args>
class boost::asio::async_result<tubes::test::FutureToken, void(Args...)> {
public:
    using Result = std::tuple<std::decay_t<Args>...>;
    using return_type = std::future<Result>;

    template <class Initiation, class... Rest>
    static return_type initiate(Initiation&& initiation, tubes::test::FutureToken, Rest&&... rest) {
        auto promise = std::make_shared<std::promise<Result>>();
        auto future = promise->get_future();
        auto handler = [promise](std::decay_t<Args>... values) { promise->set_value(Result(std::move(values)...)); };
        std::forward<Initiation>(initiation)(std::move(handler), std::forward<Rest>(rest)...);
        return future;
    }
};
