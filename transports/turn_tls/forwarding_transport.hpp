// SPDX-License-Identifier: GPL-3.0-or-later
// ICE whose TURN servers may be behind TLS or the user's proxy: another transport with other servers.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>

#include "tubes/base/proxy.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// Passes everything on to `inner`, which sees each `turns` server, and each TURN server that a proxy stands before,
/// as one on loopback.
class ForwardingTransport final : public core::ports::Transport {
public:
    ForwardingTransport(boost::asio::any_io_executor executor, base::Proxy proxy,
                        std::unique_ptr<core::ports::Transport> inner);

    PathKind kind() const override { return inner_->kind(); }
    std::chrono::milliseconds head_start() const override { return inner_->head_start(); }
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

private:
    boost::asio::any_io_executor executor_;
    base::Proxy proxy_;
    std::unique_ptr<core::ports::Transport> inner_;
};

}  // namespace tubes::transports
