// SPDX-License-Identifier: GPL-3.0-or-later
// Begins and ends attempts.
#include "transports/negotiation.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace tubes::transports {

namespace {

using core::ports::Candidate;
using core::ports::TransportDescription;

class OwnedNegotiation final : public core::ports::PathAttempt {
public:
    explicit OwnedNegotiation(std::shared_ptr<Negotiation> negotiation) : negotiation_(std::move(negotiation)) {}
    ~OwnedNegotiation() override { negotiation_->close(); }
    OwnedNegotiation(const OwnedNegotiation&) = delete;
    OwnedNegotiation& operator=(const OwnedNegotiation&) = delete;

    void start(Handler& handler) override { negotiation_->start(handler); }
    void set_remote_description(const TransportDescription& description) override {
        negotiation_->set_remote_description(description);
    }
    void add_remote_candidate(const Candidate& candidate) override { negotiation_->add_remote_candidate(candidate); }
    void remote_candidates_end() override { negotiation_->remote_candidates_end(); }
    void close() override { negotiation_->close(); }

private:
    std::shared_ptr<Negotiation> negotiation_;
};

}  // namespace

Negotiation::Negotiation(boost::asio::any_io_executor executor)
    : executor_(std::move(executor)), deadline_(executor_) {}

void Negotiation::start(Handler& handler) {
    handler_ = &handler;
    boost::asio::post(executor_, guarded(this, [](Negotiation& self) {
                          if (self.handler_ != nullptr) self.announce();
                      }));
}

void Negotiation::close() {
    end();
}

void Negotiation::limit_time(std::chrono::milliseconds limit) {
    deadline_.expires_after(limit);
    deadline_.async_wait(guarded(this, [](Negotiation& self, const error_code& error) {
        if (!error) self.give_up();
    }));
}

void Negotiation::succeed(std::unique_ptr<core::ports::MessagePath> path) {
    const auto self = shared_from_this();
    if (auto* handler = end()) handler->on_path(std::move(path));
}

void Negotiation::fail(error_code reason) {
    const auto self = shared_from_this();
    if (auto* handler = end()) handler->on_failed(reason);
}

void Negotiation::fail_later(error_code reason) {
    boost::asio::post(executor_, guarded(this, [reason](Negotiation& self) { self.fail(reason); }));
}

Negotiation::Handler* Negotiation::end() {
    deadline_.cancel();
    stop();
    return std::exchange(handler_, nullptr);
}

std::unique_ptr<core::ports::PathAttempt> own(std::shared_ptr<Negotiation> negotiation) {
    return std::make_unique<OwnedNegotiation>(std::move(negotiation));
}

}  // namespace tubes::transports
