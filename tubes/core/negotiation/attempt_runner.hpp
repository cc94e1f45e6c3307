// SPDX-License-Identifier: GPL-3.0-or-later
// One transport's try within a race: gathers at once, is let loose on the peer after its head start.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tubes/core/ports/scheduler.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::core {

/// Named limits of a race. docs/protocol.md, "Limits".
struct RaceLimits {
    static constexpr std::size_t kMaxCandidates = 128;  ///< Of the peer, one generation, all kinds together.
    static constexpr std::size_t kMaxDescriptions = 16;
};

/// What became of one transport's try; for "why relayed".
struct AttemptReport {
    PathKind kind = PathKind::local;
    bool has_path = false;              ///< It handed over at least one path.
    std::optional<error_code> failure;  ///< It failed, or a path of it was refused by the link.
    bool offered_by_peer = true;        ///< The peer described this kind.
    bool tried = false;                 ///< It was let loose on the peer.
};

/// See the head of the file. Holds what the peer says until the head start is over. Lives on the link's loop.
class AttemptRunner final : public ports::PathAttempt::Handler {
public:
    /// Told on the loop, never inside a call to the runner.
    class Owner {
    public:
        /// The description is there, or this attempt is over without one.
        virtual void on_described() = 0;
        virtual void on_local_candidate(const ports::Candidate& candidate) = 0;
        virtual void on_local_end() = 0;
        virtual void on_attempt_path(AttemptRunner& runner, std::unique_ptr<ports::MessagePath> path) = 0;
        virtual void on_attempt_failed(AttemptRunner& runner) = 0;

    protected:
        ~Owner() = default;
    };

    AttemptRunner(PathKind kind, std::chrono::milliseconds head_start, std::unique_ptr<ports::PathAttempt> attempt,
                  Owner& owner);
    ~AttemptRunner();

    void start() { attempt_->start(*this); }

    /// The peer's part; kept until release(). Candidates of other kinds are not for this runner.
    void set_remote_description(const ports::TransportDescription& description);
    void add_remote_candidate(const ports::Candidate& candidate);
    void remote_candidates_end();
    /// The head start is over: the attempt hears all that the peer said.
    void release();
    /// The peer does not speak this kind: the attempt ends.
    void not_offered();
    /// A path of this attempt failed its proof.
    void path_refused(error_code reason) { report_.failure = reason; }
    /// Ends the attempt quietly: nothing more is told.
    void close();

    PathKind kind() const noexcept { return report_.kind; }
    std::chrono::milliseconds head_start() const noexcept { return head_start_; }
    bool is_over() const noexcept { return over_; }
    bool is_released() const noexcept { return report_.tried; }
    bool has_ended_candidates() const noexcept { return local_end_ || over_; }
    bool is_described() const noexcept { return description_.has_value() || over_; }
    const std::optional<ports::TransportDescription>& description() const noexcept { return description_; }
    const AttemptReport& report() const noexcept { return report_; }

private:
    void on_description(const ports::TransportDescription& description) override;
    void on_candidate(const ports::Candidate& candidate) override;
    void on_candidates_end() override;
    void on_path(std::unique_ptr<ports::MessagePath> path) override;
    void on_failed(error_code reason) override;

    std::chrono::milliseconds head_start_;
    std::unique_ptr<ports::PathAttempt> attempt_;
    Owner& owner_;
    AttemptReport report_;
    std::optional<ports::TransportDescription> description_;
    std::optional<ports::TransportDescription> remote_;
    std::vector<ports::Candidate> waiting_;
    bool remote_end_ = false;
    bool local_end_ = false;
    bool over_ = false;
};

}  // namespace tubes::core
