// SPDX-License-Identifier: GPL-3.0-or-later
// A connection of the public API as a Python object owns it, for stream.cpp and datagram.cpp.
#pragma once

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "bindings/python/native/bind.hpp"

namespace tubes::python {

/// A connection whose operations hold it until they end. Python's thread starts operations until close(); after that
/// only the node's thread touches it.
template <class Connection>
class Held {
public:
    explicit Held(Connection connection) : connection_(std::make_shared<Connection>(std::move(connection))) {}

    bool is_open() const { return !closed_ && connection_->is_open(); }
    void cancel() {
        if (!closed_) connection_->cancel();
    }
    void close() {
        if (std::exchange(closed_, true)) return;
        boost::asio::post(connection_->get_executor(), [held = connection_] { held->close(); });
    }

protected:
    ~Held() = default;

    bool is_closed() const { return closed_; }
    Connection& connection() const { return *connection_; }
    void check_open() const {
        if (!is_open()) raise(make_error_code(Errc::cancelled));
    }
    /// The handler, holding the connection; its cancellation slot stays what it is.
    template <class Handler>
    auto keeping(Handler handler) {
        const auto slot = boost::asio::get_associated_cancellation_slot(handler);
        return boost::asio::bind_cancellation_slot(
            slot, [held = connection_, inner = std::move(handler)](error_code reason, std::size_t bytes) mutable {
                inner(reason, bytes);
            });
    }

private:
    std::shared_ptr<Connection> connection_;
    bool closed_ = false;
};

}  // namespace tubes::python
