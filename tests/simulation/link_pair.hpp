// SPDX-License-Identifier: GPL-3.0-or-later
// Two links that face each other on a virtual clock, and applications at their streams.
#pragma once

#include "tests/simulation/simulated_crypto.hpp"
#include "tests/simulation/simulated_path.hpp"
#include "tubes/core/link/link.hpp"

namespace tubes::simulation {

/// An application at one end of a stream: writes what it is told, checks and consumes what comes.
class TestApplication final : public core::Stream::Handler {
public:
    explicit TestApplication(std::shared_ptr<core::Stream> stream);
    ~TestApplication() { stream_->set_handler(nullptr); }
    TestApplication(const TestApplication&) = delete;

    /// Writes `size` bytes of a pattern that depends on `seed` and offset, as the stream takes them; then finishes.
    void send_pattern(std::uint64_t size, std::uint8_t seed, bool finish = true);
    void send_text(std::string_view text);
    /// Whether everything received is the pattern of `seed`, `size` bytes of it.
    bool has_pattern(std::uint64_t size, std::uint8_t seed) const;

    core::Stream& stream() { return *stream_; }
    void drop_stream_reference() { kept_.reset(); }

    bool reads = true;   ///< Consumes what it gets.
    bool keeps = false;  ///< Keeps what it gets in `text`.
    std::string text;
    std::uint64_t received = 0;
    std::uint64_t mismatches = 0;
    std::uint8_t expected_seed = 0;
    bool ended = false;
    std::optional<error_code> closed;
    std::function<void()> on_any_data;

private:
    void on_data(core::ByteView data) override;
    void on_end() override { ended = true; }
    void on_writable() override { write_more(); }
    void on_closed(error_code reason) override;
    void write_more();

    std::shared_ptr<core::Stream> kept_;
    core::Stream* stream_;
    core::Bytes unsent_;
    std::uint64_t to_send_ = 0;
    std::uint64_t sent_ = 0;
    std::uint8_t send_seed_ = 0;
    bool finish_ = false;
};

/// The byte of the pattern.
constexpr std::uint8_t pattern(std::uint64_t offset, std::uint8_t seed) noexcept {
    return static_cast<std::uint8_t>((offset * 31 + (offset >> 8) * 7 + (offset >> 16) + seed) & 0xff);
}

/// One end of a link with everything it was told.
class TestEnd final : public core::Link::Handler {
public:
    std::unique_ptr<core::Link> link;
    std::vector<std::shared_ptr<core::Stream>> accepted;
    std::vector<core::ControlMessage> control;
    std::vector<std::pair<PathKind, error_code>> refused;
    std::vector<core::LinkStatus> changes;
    int opened = 0;
    int closed_count = 0;
    std::optional<error_code> closed;
    bool destroy_on_callback = false;
    std::function<void(std::shared_ptr<core::Stream>)> stream_callback;

private:
    void on_open() override;
    void on_stream(std::shared_ptr<core::Stream> stream) override;
    void on_control(core::ControlMessage message) override;
    void on_path_change(const core::LinkStatus& status) override;
    void on_path_refused(PathKind kind, error_code reason) override;
    void on_closed(error_code reason) override;
    void maybe_destroy();
};

/// Initiator `a` and responder `b`.
class LinkPair {
public:
    explicit LinkPair(std::uint64_t seed = 1, core::LinkLimits limits = {});
    LinkPair(std::uint64_t seed, core::LinkLimits limits_a, core::LinkLimits limits_b);

    /// Adds one path to both ends.
    std::shared_ptr<SimulatedWire> connect(PathModel model = {}, std::uint32_t generation = 0);
    /// Runs until both say that they are open.
    bool open();
    TestEnd& end(Side side) { return side == Side::a ? a : b; }
    core::Link& link(Side side) { return *end(side).link; }
    core::LinkConfiguration configuration(Side side, core::LinkLimits limits = {}) const;

    SimulatedScheduler scheduler;
    SimulatedCrypto crypto;
    SimulatedIdentity identity_a;
    SimulatedIdentity identity_b;
    core::LinkId id;
    TestEnd a;
    TestEnd b;
    std::vector<std::shared_ptr<SimulatedWire>> wires;

private:
    std::uint64_t seed_;
};

}  // namespace tubes::simulation
