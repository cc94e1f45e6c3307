// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes a whole link from the other end of its path, before and after the identity proof. Input: a byte of options,
// then messages, each a lane, a length of two bytes and the bytes.
#include "tests/simulation/hostile_peer.hpp"
#include "tubes/base/log.hpp"

namespace {

using namespace tubes;
using namespace tubes::simulation;

constexpr std::uint8_t kInitiator = 1;  // the honest end's role
constexpr std::uint8_t kProved = 2;     // the messages follow a genuine proof and move
constexpr std::uint8_t kReads = 4;      // the honest applications consume what they get

void play(HostilePeer& peer, core::ByteView script) {
    while (script.size() > 3) {
        const auto lane = static_cast<core::ports::Lane>(script[0] % core::ports::kLaneCount);
        const auto wanted = static_cast<std::size_t>(script[1] << 8 | script[2]);
        const auto size = std::min({wanted, script.size() - 3, core::ports::kMaxMessageSize});
        const auto message = script.subspan(3, size);
        peer.send(lane, core::Bytes(message.begin(), message.end()));
        script = script.subspan(3 + size);
        peer.run(std::chrono::milliseconds(1));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static const auto silent = base::configure_logs("off");
    (void)silent;
    const auto options = data[0];
    core::LinkLimits limits;
    limits.streams = 64;
    HostilePeer peer((options & kInitiator) != 0 ? core::LinkRole::initiator : core::LinkRole::responder, limits);
    std::vector<std::unique_ptr<TestApplication>> applications;
    peer.end.stream_callback = [&](auto stream) {
        applications.push_back(std::make_unique<TestApplication>(std::move(stream)));
        applications.back()->reads = (options & kReads) != 0;
        applications.back()->send_pattern(5000, 1);
    };
    if ((options & kProved) != 0) {
        peer.open();
        if (auto stream = peer.end.link->open_stream(core::TubeId{})) {
            applications.push_back(std::make_unique<TestApplication>(*stream));
            applications.back()->send_pattern(50'000, 1);
        }
    } else {
        peer.connect();
    }
    play(peer, core::ByteView(data, size).subspan(1));
    peer.run(std::chrono::seconds(700));  // no path is left by now, and patience is over
    const auto opened = peer.end.opened;
    if (opened > 1 || peer.end.closed_count > 1 || (opened == 1 && !peer.end.closed)) __builtin_trap();
    if ((options & kProved) == 0 && opened != 0) __builtin_trap();  // without a proof nothing opens
    for (const auto& each : applications) {
        if (peer.end.closed && !each->closed) __builtin_trap();
    }
    return 0;
}
