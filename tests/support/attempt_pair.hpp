// SPDX-License-Identifier: GPL-3.0-or-later
// Two attempts of one transport whose signaling is carried by hand: what tests of transports drive.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tubes/core/ports/transport.hpp"

namespace tubes::testing {

/// One side: hands its description and candidates to `peer` through the loop, and keeps what happens.
struct AttemptSide final : core::ports::PathAttempt::Handler, core::ports::MessagePath::Handler {
    boost::asio::io_context& loop;
    AttemptSide* peer = nullptr;
    std::unique_ptr<core::ports::PathAttempt> attempt;
    std::unique_ptr<core::ports::MessagePath> path;
    std::vector<core::ports::Candidate> candidates;
    std::optional<core::ports::TransportDescription> description;
    bool candidates_ended = false;
    std::optional<error_code> failed, closed;
    std::vector<std::pair<core::ports::Lane, core::Bytes>> messages;
    std::uint64_t received = 0;
    bool keep_messages = true;
    bool start_path = true;
    int writable = 0;
    std::function<void(core::ports::TransportDescription&)> change_description;  ///< Signaling in between.
    std::function<bool(const core::ports::Candidate&)> pass;

    explicit AttemptSide(boost::asio::io_context& context) : loop(context) {}

    void on_description(const core::ports::TransportDescription& ours) override {
        description = ours;
        auto told = ours;
        if (change_description) change_description(told);
        boost::asio::post(loop, [this, told] {
            if (peer->attempt) peer->attempt->set_remote_description(told);
        });
    }
    void on_candidate(const core::ports::Candidate& candidate) override {
        candidates.push_back(candidate);
        if (pass && !pass(candidate)) return;
        boost::asio::post(loop, [this, candidate] {
            if (peer->attempt) peer->attempt->add_remote_candidate(candidate);
        });
    }
    void on_candidates_end() override {
        candidates_ended = true;
        boost::asio::post(loop, [this] {
            if (peer->attempt) peer->attempt->remote_candidates_end();
        });
    }
    void on_path(std::unique_ptr<core::ports::MessagePath> opened) override {
        path = std::move(opened);
        if (start_path) path->start(*this);
    }
    void on_failed(error_code reason) override { failed = reason; }
    void on_message(core::ports::Lane lane, core::ByteView message) override {
        received += message.size();
        if (keep_messages) messages.emplace_back(lane, core::Bytes(message.begin(), message.end()));
    }
    void on_writable() override { ++writable; }
    void on_closed(error_code reason) override { closed = reason; }
};

struct AttemptPair {
    boost::asio::io_context loop;
    AttemptSide initiator{loop};
    AttemptSide responder{loop};

    AttemptPair() {
        initiator.peer = &responder;
        responder.peer = &initiator;
    }
    ~AttemptPair() {
        for (auto* side : {&initiator, &responder}) {
            side->path.reset();
            side->attempt.reset();
        }
        run_until([] { return false; }, std::chrono::milliseconds(1));
    }

    /// Starts both sides with the same parameters but the role.
    void start(core::ports::Transport& transport, core::ports::AttemptParameters parameters = {}) {
        parameters.link = core::LinkId::random();
        for (auto* side : {&initiator, &responder}) {
            parameters.role = side == &initiator ? core::LinkRole::initiator : core::LinkRole::responder;
            side->attempt = transport.make_attempt(parameters);
            if (side->attempt) side->attempt->start(*side);
        }
    }
    bool both_open() const { return initiator.path && responder.path; }

    template <class Condition>
    bool run_until(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        loop.restart();
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            loop.run_one_until(std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(50)));
            if (loop.stopped()) loop.restart();
        }
        return condition();
    }
};

}  // namespace tubes::testing
