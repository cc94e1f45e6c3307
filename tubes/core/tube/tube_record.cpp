// SPDX-License-Identifier: GPL-3.0-or-later
// Streams and phases of a tube.
#include "tubes/core/tube/tube_record.hpp"

#include <algorithm>

namespace tubes::core {
namespace {

void add_counters(FlowCounters& total, const FlowCounters& flow) {
    total.sent += flow.sent;
    total.received += flow.received;
    total.dropped += flow.dropped;
    total.missed += flow.missed;
}

}  // namespace

void TubeStreams::add(std::shared_ptr<Stream> stream) {
    if (streams_.size() >= prune_at_) {
        prune();
        prune_at_ = 2 * streams_.size() + 16;
    }
    streams_.push_back(std::move(stream));
}

void TubeStreams::prune() {
    // The link holds a stream until it is over and the endpoint until it has let go: then only we are left.
    std::erase_if(streams_, [this](const std::shared_ptr<Stream>& stream) {
        if (stream.use_count() > 1) return false;
        keep_counts(*stream);
        return true;
    });
}

void TubeStreams::reset_all(Errc reason) {
    for (auto& stream : std::exchange(streams_, {})) {
        keep_counts(*stream);
        stream->reset(reason);
    }
}

void TubeStreams::keep_counts(const Stream& stream) {
    sent_ += stream.bytes_sent();
    received_ += stream.bytes_received();
    add_counters(datagrams_, stream.flow_counters());
}

FlowCounters TubeStreams::datagrams() const {
    auto total = datagrams_;
    for (const auto& stream : streams_) add_counters(total, stream->flow_counters());
    return total;
}

std::uint64_t TubeStreams::bytes_sent() const {
    auto total = sent_;
    for (const auto& stream : streams_) total += stream->bytes_sent();
    return total;
}

std::uint64_t TubeStreams::bytes_received() const {
    auto total = received_;
    for (const auto& stream : streams_) total += stream->bytes_received();
    return total;
}

void TubeRecord::reached(const char* phase, TimePoint now) {
    const auto known = [phase](const SetupPhase& entry) { return entry.name == phase; };
    if (std::any_of(status.phases.begin(), status.phases.end(), known)) return;
    status.phases.push_back({phase, std::chrono::duration_cast<std::chrono::microseconds>(now - started)});
}

}  // namespace tubes::core
