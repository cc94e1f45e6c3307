// SPDX-License-Identifier: GPL-3.0-or-later
// A race: one generation of a link's negotiation, in which attempts of all transports run with head starts.
// Spec: docs/protocol.md, "Candidates"; RFC 8305 (the idea of staggered starts); RFC 8838 (trickle).
#pragma once

#include "tubes/core/negotiation/attempt_runner.hpp"

namespace tubes::core {

/// See the head of the file. Gathers at once so that everything is ready; neither descriptions nor candidates leave
/// before the owner says so. Lives on the link's loop.
class Race final : private AttemptRunner::Owner {
public:
    /// Told on the loop, never inside a call to the race.
    class Handler {
    public:
        /// Every attempt has described itself, failed, or taken too long. Once.
        virtual void on_race_described(std::vector<ports::TransportDescription> descriptions) = 0;
        /// Candidates to signal, batched; after open_candidates() only. `end`: no more follow.
        virtual void on_race_candidates(std::vector<ports::Candidate> candidates, bool end) = 0;
        virtual void on_race_path(std::unique_ptr<ports::MessagePath> path) = 0;
        /// Nothing is left that could bring a path, and none came up. Once.
        virtual void on_race_failed() = 0;

    protected:
        ~Handler() = default;
    };

    /// `transports` and `scheduler` outlive the race; the handler does too.
    Race(ports::Scheduler& scheduler, const std::vector<ports::Transport*>& transports,
         const ports::AttemptParameters& parameters, Handler& handler);
    ~Race();

    void start();
    /// Both sides have accepted: local candidates may leave from now on.
    void open_candidates();
    /// The peer's descriptions: kinds it does not name are given up; the others start by their head starts.
    void set_remote(const std::vector<ports::TransportDescription>& descriptions);
    /// The peer's candidates; repeats are ignored. False: more than kMaxCandidates, the surplus is ignored.
    bool add_remote(const std::vector<ports::Candidate>& candidates, bool end);
    /// A path of `kind` proved itself: attempts that cannot bring a better one end.
    void narrow(PathKind kind);
    void path_refused(PathKind kind, error_code reason);
    /// Ends all attempts. Paths that were handed over live on.
    void close();

    std::uint32_t generation() const noexcept { return generation_; }
    bool has_remote() const noexcept { return has_remote_; }
    /// No attempt runs any more.
    bool is_over() const noexcept;
    std::vector<AttemptReport> reports() const;

private:
    void on_described() override;
    void on_local_candidate(const ports::Candidate& candidate) override;
    void on_local_end() override;
    void on_attempt_path(AttemptRunner& runner, std::unique_ptr<ports::MessagePath> path) override;
    void on_attempt_failed(AttemptRunner& runner) override;

    void make_attempts(const std::vector<ports::Transport*>& transports, const ports::AttemptParameters& parameters);
    AttemptRunner* runner_for(PathKind kind);
    void finish_describing();
    void schedule_batch();
    void send_batch();
    void release_due();
    void check_failed();

    ports::Scheduler& scheduler_;
    Handler& handler_;
    std::uint32_t generation_;
    std::vector<std::unique_ptr<AttemptRunner>> runners_;  // By head start.
    std::vector<AttemptReport> not_tried_;                 // Kinds that the parameters left nothing to try of.
    std::vector<ports::Candidate> outgoing_;
    std::vector<ports::Candidate> seen_;
    std::unique_ptr<ports::Scheduler::Timer> describe_timer_;
    std::unique_ptr<ports::Scheduler::Timer> batch_timer_;
    std::unique_ptr<ports::Scheduler::Timer> release_timer_;
    TimePoint remote_at_{};
    bool described_ = false;
    bool candidates_open_ = false;
    bool end_sent_ = false;
    bool first_batch_sent_ = false;
    bool has_remote_ = false;
    bool had_path_ = false;
    bool failed_ = false;
};

}  // namespace tubes::core
