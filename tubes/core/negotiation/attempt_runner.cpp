// SPDX-License-Identifier: GPL-3.0-or-later
// One transport's try within a race.
#include "tubes/core/negotiation/attempt_runner.hpp"

namespace tubes::core {

AttemptRunner::AttemptRunner(PathKind kind, std::chrono::milliseconds head_start,
                             std::unique_ptr<ports::PathAttempt> attempt, Owner& owner)
    : head_start_(head_start), attempt_(std::move(attempt)), owner_(owner) {
    report_.kind = kind;
}

AttemptRunner::~AttemptRunner() {
    close();
}

void AttemptRunner::set_remote_description(const ports::TransportDescription& description) {
    if (remote_ || over_) return;
    remote_ = description;
    if (report_.tried) attempt_->set_remote_description(description);
}

void AttemptRunner::add_remote_candidate(const ports::Candidate& candidate) {
    if (over_) return;
    if (report_.tried) return attempt_->add_remote_candidate(candidate);
    waiting_.push_back(candidate);
}

void AttemptRunner::remote_candidates_end() {
    if (over_ || remote_end_) return;
    remote_end_ = true;
    if (report_.tried) attempt_->remote_candidates_end();
}

void AttemptRunner::release() {
    if (over_ || report_.tried || !remote_) return;
    report_.tried = true;
    attempt_->set_remote_description(*remote_);
    for (const auto& candidate : std::exchange(waiting_, {})) attempt_->add_remote_candidate(candidate);
    if (remote_end_) attempt_->remote_candidates_end();
}

void AttemptRunner::not_offered() {
    report_.offered_by_peer = false;
    close();
}

void AttemptRunner::close() {
    if (over_) return;
    over_ = true;
    waiting_.clear();
    attempt_->close();
}

void AttemptRunner::on_description(const ports::TransportDescription& description) {
    if (over_ || description_) return;
    description_ = description;
    owner_.on_described();
}

void AttemptRunner::on_candidate(const ports::Candidate& candidate) {
    if (!over_) owner_.on_local_candidate(candidate);
}

void AttemptRunner::on_candidates_end() {
    if (over_ || local_end_) return;
    local_end_ = true;
    owner_.on_local_end();
}

void AttemptRunner::on_path(std::unique_ptr<ports::MessagePath> path) {
    if (over_) return;
    report_.has_path = true;
    owner_.on_attempt_path(*this, std::move(path));
}

void AttemptRunner::on_failed(error_code reason) {
    if (over_) return;
    over_ = true;
    report_.failure = reason;
    waiting_.clear();
    owner_.on_described();
    owner_.on_attempt_failed(*this);
}

}  // namespace tubes::core
