// SPDX-License-Identifier: GPL-3.0-or-later
// Test ends of links and streams.
#include "tests/simulation/link_pair.hpp"

namespace tubes::simulation {

using namespace core;

TestApplication::TestApplication(std::shared_ptr<Stream> stream) : kept_(std::move(stream)), stream_(kept_.get()) {
    stream_->set_handler(this);
}

void TestApplication::send_pattern(std::uint64_t size, std::uint8_t seed, bool finish) {
    to_send_ = sent_ + size;
    send_seed_ = seed;
    finish_ = finish;
    write_more();
}

void TestApplication::send_text(std::string_view sent) {
    const auto bytes = base::as_bytes(sent);
    unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
    write_more();
}

void TestApplication::write_more() {
    if (!unsent_.empty()) {
        const auto count = stream_->write(unsent_);
        unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(count));
        return;
    }
    Bytes block;
    while (sent_ < to_send_) {
        block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(to_send_ - sent_, 64 * 1024)));
        for (std::size_t i = 0; i < block.size(); ++i) block[i] = pattern(sent_ + i, send_seed_);
        const auto count = stream_->write(block);
        sent_ += count;
        if (count < block.size()) return;
    }
    if (finish_) stream_->finish();
}

bool TestApplication::has_pattern(std::uint64_t size, std::uint8_t seed) const {
    return received == size && mismatches == 0 && expected_seed == seed;
}

void TestApplication::on_data(ByteView data) {
    for (std::size_t i = 0; i < data.size() && !keeps; ++i) {
        if (data[i] != pattern(received + i, expected_seed)) ++mismatches;
    }
    if (keeps) text += base::as_text(data);
    received += data.size();
    if (reads) stream_->consumed(data.size());
    if (on_any_data) on_any_data();
}

void TestApplication::on_closed(error_code reason) {
    if (closed) std::abort();  // exactly once
    closed = reason;
}

void TestEnd::maybe_destroy() {
    if (destroy_on_callback) link.reset();
}

void TestEnd::on_open() {
    ++opened;
    maybe_destroy();
}

void TestEnd::on_stream(std::shared_ptr<Stream> stream) {
    if (stream_callback) {
        stream_callback(std::move(stream));
    } else {
        accepted.push_back(std::move(stream));
    }
    maybe_destroy();
}

void TestEnd::on_control(ControlMessage message) {
    control.push_back(std::move(message));
    maybe_destroy();
}

void TestEnd::on_path_change(const LinkStatus& status) {
    changes.push_back(status);
    maybe_destroy();
}

void TestEnd::on_path_refused(PathKind kind, error_code reason) {
    refused.emplace_back(kind, reason);
    maybe_destroy();
}

void TestEnd::on_closed(error_code reason) {
    ++closed_count;
    closed = reason;
    maybe_destroy();
}

LinkPair::LinkPair(std::uint64_t seed, LinkLimits limits) : LinkPair(seed, limits, limits) {}

LinkPair::LinkPair(std::uint64_t seed, LinkLimits limits_a, LinkLimits limits_b)
    : crypto(seed), identity_a(2 * seed), identity_b(2 * seed + 1), seed_(seed) {
    crypto.random(id.bytes);
    a.link = Link::make(configuration(Side::a, limits_a), scheduler, identity_a, crypto, a);
    b.link = Link::make(configuration(Side::b, limits_b), scheduler, identity_b, crypto, b);
}

LinkConfiguration LinkPair::configuration(Side side, LinkLimits limits) const {
    const bool is_a = side == Side::a;
    LinkConfiguration configuration;
    configuration.id = id;
    configuration.role = is_a ? LinkRole::initiator : LinkRole::responder;
    configuration.self.value = is_a ? "alice@example.org" : "bob@example.org";
    configuration.peer.value = is_a ? "bob@example.org" : "alice@example.org";
    configuration.peer_key = (is_a ? identity_b : identity_a).public_key();
    configuration.limits = limits;
    return configuration;
}

std::shared_ptr<SimulatedWire> LinkPair::connect(PathModel model, std::uint32_t generation) {
    model.seed = model.seed * 1000 + seed_ * 1'000'000 + wires.size();
    auto wire = SimulatedWire::make(scheduler, model);
    wires.push_back(wire);
    link(Side::a).add_path(wire->take(Side::a), generation);
    link(Side::b).add_path(wire->take(Side::b), generation);
    return wire;
}

bool LinkPair::open() {
    return scheduler.run_until([this] { return a.opened == 1 && b.opened == 1; }, std::chrono::seconds(30));
}

}  // namespace tubes::simulation
