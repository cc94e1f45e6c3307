// SPDX-License-Identifier: GPL-3.0-or-later
// One generation's race of attempts.
#include "tubes/core/negotiation/race.hpp"

#include <algorithm>

namespace tubes::core {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDescribeDeadline{1500};  // A transport that has not described itself by then stays out.
constexpr milliseconds kBatchDelay{30};          // Later candidates are collected this long: fewer signals.

}  // namespace

Race::Race(ports::Scheduler& scheduler, const std::vector<ports::Transport*>& transports,
           const ports::AttemptParameters& parameters, Handler& handler)
    : scheduler_(scheduler), handler_(handler), generation_(parameters.generation) {
    make_attempts(transports, parameters);
}

Race::~Race() {
    close();
}

void Race::make_attempts(const std::vector<ports::Transport*>& transports, const ports::AttemptParameters& parameters) {
    for (auto* transport : transports) {
        auto attempt = transport->make_attempt(parameters);
        if (!attempt) {
            AttemptReport report;
            report.kind = transport->kind();
            report.failure = make_error_code(Errc::unsupported);
            not_tried_.push_back(report);
            continue;
        }
        AttemptRunner::Owner& owner = *this;
        runners_.push_back(
            std::make_unique<AttemptRunner>(transport->kind(), transport->head_start(), std::move(attempt), owner));
    }
    std::stable_sort(runners_.begin(), runners_.end(),
                     [](const auto& a, const auto& b) { return a->head_start() < b->head_start(); });
}

void Race::start() {
    for (auto& runner : runners_) runner->start();
    const auto deadline = runners_.empty() ? milliseconds(0) : kDescribeDeadline;
    describe_timer_ = scheduler_.call_at(scheduler_.now() + deadline, [this] { finish_describing(); });
}

void Race::finish_describing() {
    if (described_) return;
    described_ = true;
    if (describe_timer_) describe_timer_->cancel();
    std::vector<ports::TransportDescription> descriptions;
    for (auto& runner : runners_) {
        if (runner->description() && !runner->is_over()) {
            descriptions.push_back(*runner->description());
        } else {
            runner->close();
        }
    }
    handler_.on_race_described(std::move(descriptions));
}

void Race::on_described() {
    if (described_) return;
    const bool all = std::all_of(runners_.begin(), runners_.end(), [](const auto& r) { return r->is_described(); });
    if (all) finish_describing();
}

void Race::open_candidates() {
    candidates_open_ = true;
    schedule_batch();
}

void Race::set_remote(const std::vector<ports::TransportDescription>& descriptions) {
    if (has_remote_) return;
    has_remote_ = true;
    remote_at_ = scheduler_.now();
    for (auto& runner : runners_) {
        const auto same_kind = [&runner](const auto& description) { return description.kind == runner->kind(); };
        const auto found = std::find_if(descriptions.begin(), descriptions.end(), same_kind);
        if (found == descriptions.end()) {
            runner->not_offered();
        } else {
            runner->set_remote_description(*found);
        }
    }
    release_timer_ = scheduler_.call_at(remote_at_, [this] { release_due(); });
}

void Race::release_due() {
    release_timer_.reset();
    bool running = false;
    for (auto& runner : runners_) {
        if (runner->is_over()) continue;
        if (runner->is_released()) {
            running = true;
            continue;
        }
        // With nothing under way there is nothing to wait for (RFC 8305 §5: the next try follows a failure at once).
        const auto due = running ? remote_at_ + runner->head_start() : scheduler_.now();
        if (due > scheduler_.now()) {
            release_timer_ = scheduler_.call_at(due, [this] { release_due(); });
            return;
        }
        runner->release();
        running = true;
    }
    check_failed();
}

bool Race::add_remote(const std::vector<ports::Candidate>& candidates, bool end) {
    for (const auto& candidate : candidates) {
        if (std::find(seen_.begin(), seen_.end(), candidate) != seen_.end()) continue;
        if (seen_.size() >= RaceLimits::kMaxCandidates) return false;
        seen_.push_back(candidate);
        if (auto* runner = runner_for(candidate.kind)) runner->add_remote_candidate(candidate);
    }
    if (end) {
        for (auto& runner : runners_) runner->remote_candidates_end();
    }
    return true;
}

AttemptRunner* Race::runner_for(PathKind kind) {
    // A relayed address is a candidate of the ICE attempt: one attempt finds both kinds of pair.
    const auto wanted = kind == PathKind::ice_relayed ? PathKind::ice : kind;
    for (auto& runner : runners_) {
        if (runner->kind() == kind || runner->kind() == wanted) return runner.get();
    }
    return nullptr;
}

void Race::narrow(PathKind kind) {
    for (auto& runner : runners_) {
        if (runner->kind() >= kind) runner->close();
    }
}

void Race::path_refused(PathKind kind, error_code reason) {
    if (auto* runner = runner_for(kind)) runner->path_refused(reason);
    had_path_ = false;
    if (has_remote_) release_timer_ = scheduler_.call_at(scheduler_.now(), [this] { release_due(); });
}

void Race::close() {
    for (auto& runner : runners_) runner->close();
    describe_timer_.reset();
    batch_timer_.reset();
    release_timer_.reset();
}

bool Race::is_over() const noexcept {
    return std::all_of(runners_.begin(), runners_.end(), [](const auto& runner) { return runner->is_over(); });
}

std::vector<AttemptReport> Race::reports() const {
    auto reports = not_tried_;
    for (const auto& runner : runners_) reports.push_back(runner->report());
    return reports;
}

void Race::on_local_candidate(const ports::Candidate& candidate) {
    outgoing_.push_back(candidate);
    schedule_batch();
}

void Race::on_local_end() {
    schedule_batch();
}

void Race::schedule_batch() {
    // What a transport has to say after the end (a SOCKS5 relay was reached) still leaves.
    if (!candidates_open_ || batch_timer_ || (end_sent_ && outgoing_.empty())) return;
    const auto delay = first_batch_sent_ ? kBatchDelay : milliseconds(0);
    batch_timer_ = scheduler_.call_at(scheduler_.now() + delay, [this] { send_batch(); });
}

void Race::send_batch() {
    batch_timer_.reset();
    const bool end = std::all_of(runners_.begin(), runners_.end(),
                                 [](const auto& runner) { return runner->has_ended_candidates(); });
    if (outgoing_.empty() && !end) return;
    first_batch_sent_ = true;
    end_sent_ = end;
    handler_.on_race_candidates(std::exchange(outgoing_, {}), end);
}

void Race::on_attempt_path(AttemptRunner&, std::unique_ptr<ports::MessagePath> path) {
    had_path_ = true;
    handler_.on_race_path(std::move(path));
}

void Race::on_attempt_failed(AttemptRunner&) {
    if (candidates_open_) schedule_batch();
    if (has_remote_) {
        release_timer_ = scheduler_.call_at(scheduler_.now(), [this] { release_due(); });
    }
}

void Race::check_failed() {
    if (failed_ || had_path_ || !is_over()) return;
    failed_ = true;
    handler_.on_race_failed();
}

}  // namespace tubes::core
