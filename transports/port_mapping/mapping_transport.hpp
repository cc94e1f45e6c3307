// SPDX-License-Identifier: GPL-3.0-or-later
// Another transport with one candidate more for each port that the router leads in.
// Spec: docs/protocol.md, "Port mapping".
#pragma once

#include <memory>

#include "transports/port_mapping/port_mapper.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// Passes everything on to `inner`, and asks `mapper` for each private IPv4 address that it names: of direct TLS, and
/// of ICE's own addresses. What is granted is one more candidate; it is taken back when the attempt and its paths are
/// gone.
class MappingTransport final : public core::ports::Transport {
public:
    MappingTransport(std::shared_ptr<PortMapper> mapper, std::unique_ptr<core::ports::Transport> inner);

    PathKind kind() const override { return inner_->kind(); }
    std::chrono::milliseconds head_start() const override { return inner_->head_start(); }
    std::unique_ptr<core::ports::PathAttempt> make_attempt(core::ports::AttemptParameters parameters) override;

private:
    std::shared_ptr<PortMapper> mapper_;
    std::unique_ptr<core::ports::Transport> inner_;
};

}  // namespace tubes::transports
