// SPDX-License-Identifier: LGPL-2.1-or-later
// Completes operations on empty (moved-from) objects, which have no engine to ask.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>

#include "tubes/node.hpp"

namespace tubes {
inline namespace v0 {
namespace detail {

/// Completes `handler` with `code` and empty results, on its executor or else a thread of Asio's own.
template <class... Results>
void reject(Handler<Results...> handler, Errc code) {
    const boost::asio::any_io_executor fallback{boost::asio::system_executor()};
    boost::asio::post(fallback, [held = std::move(handler), fallback, code]() mutable {
        const auto executor = boost::asio::get_associated_executor(held, fallback);
        executor.execute(
            [inner = std::move(held), code]() mutable { std::move(inner)(make_error_code(code), Results{}...); });
    });
}

}  // namespace detail
}  // namespace v0
}  // namespace tubes
