// SPDX-License-Identifier: GPL-3.0-or-later
// A peer that holds a genuine identity and says whatever a test likes.
#pragma once

#include "tests/simulation/link_pair.hpp"
#include "tubes/core/link/proof.hpp"
#include "tubes/core/wire/frame.hpp"

namespace tubes::simulation {

/// One honest link facing a scripted end of a wire.
class HostilePeer final : public core::ports::MessagePath::Handler {
public:
    /// The honest end has `role`.
    explicit HostilePeer(core::LinkRole role, core::LinkLimits limits = {});

    /// Proves itself, and brings the link up in epoch 1.
    void open();
    /// A Hello as an honest end would make it on `path`, for a test to spoil.
    wire::Hello hello(std::uint32_t generation = 0) const;

    void send(core::ports::Lane lane, core::Bytes message);
    void send(wire::Frame frame, core::ByteView payload = {});
    void run(core::Duration span = std::chrono::milliseconds(100)) { scheduler.advance(span); }

    SimulatedScheduler scheduler;
    SimulatedCrypto crypto;
    SimulatedIdentity honest_identity{1};
    SimulatedIdentity hostile_identity{2};
    core::LinkConfiguration honest;   ///< Of the honest end.
    core::LinkConfiguration hostile;  ///< What an honest end would have in the hostile one's place.
    TestEnd end;
    std::shared_ptr<SimulatedWire> wire;
    std::unique_ptr<core::ports::MessagePath> path;
    std::vector<std::pair<core::ports::Lane, core::Bytes>> heard;
    std::optional<error_code> path_closed;

    /// Frames of `type` that were heard.
    std::size_t count(wire::FrameType type) const;
    void connect(std::uint32_t generation = 0);
    void send_hello(const wire::Hello& hello);

private:
    void on_message(core::ports::Lane lane, core::ByteView message) override;
    void on_writable() override {}
    void on_closed(error_code reason) override { path_closed = reason; }
};

}  // namespace tubes::simulation
