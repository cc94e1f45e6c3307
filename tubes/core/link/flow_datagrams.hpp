// SPDX-License-Identifier: GPL-3.0-or-later
// The datagrams of one flow: those that wait for the path, and which of the peer's have come.
// Spec: docs/protocol.md, "Flows".
#pragma once

#include <bitset>
#include <deque>

#include "tubes/core/link/stream.hpp"
#include "tubes/core/wire/frame.hpp"

namespace tubes::core {

/// No lists, no time and no callbacks: the stream and its mux drive it.
class FlowDatagrams {
public:
    /// Puts one at the end and gives it its number. Beyond kFlowQueue the oldest go.
    void push(ByteView datagram);
    bool is_empty() const noexcept { return waiting_.empty(); }
    std::size_t count() const noexcept { return waiting_.size(); }
    /// What waits, with kDatagramOverhead for each.
    std::size_t size() const noexcept { return size_; }
    /// The oldest goes unsent; there is one.
    void drop_oldest();
    /// The oldest as a frame, without its stream; borrows the bytes. Then sent(), if the path took it.
    wire::Frame next_frame() const noexcept;
    void sent();
    /// Nothing is to be sent any more.
    void clear() noexcept;

    /// A datagram of the peer's with this number arrived. False if it was here before, or is too old to tell.
    bool accept(std::uint64_t number, std::size_t size) noexcept;

    FlowCounters counters() const noexcept;
    std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
    std::uint64_t bytes_received() const noexcept { return bytes_received_; }

private:
    struct Waiting {
        std::uint64_t number;
        Bytes content;
    };

    void pop();

    std::deque<Waiting> waiting_;
    std::size_t size_ = 0;
    std::uint64_t next_number_ = 0;
    std::uint64_t expected_ = 0;              // one above the highest number that came
    std::bitset<wire::kSeenDatagrams> seen_;  // of the numbers below expected_, as a ring
    FlowCounters counters_;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_received_ = 0;
};

}  // namespace tubes::core
