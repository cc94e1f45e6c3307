// SPDX-License-Identifier: GPL-3.0-or-later
// What every try at a path over one stream does alike: begin later, end once, outlive its own callbacks.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

#include "transports/guarded.hpp"
#include "tubes/core/ports/transport.hpp"

namespace tubes::transports {

/// An attempt that is shared, so that what it waits for (see guarded.hpp) finds out whether it still stands. It ends
/// with a path, a failure or close(), whichever comes first; the handler hears of the first alone. Loop thread only.
class Negotiation : public core::ports::PathAttempt, public std::enable_shared_from_this<Negotiation> {
public:
    /// Calls announce() from the loop.
    void start(Handler& handler) override;
    void add_remote_candidate(const core::ports::Candidate&) override {}
    void remote_candidates_end() override {}
    void close() final;

protected:
    explicit Negotiation(boost::asio::any_io_executor executor);

    /// Tells the handler our description, and begins.
    virtual void announce() = 0;
    /// Drops everything that was begun: no callback of it follows.
    virtual void stop() = 0;
    /// Fails because there is no path, with the best reason that is known.
    virtual void give_up() { fail(Errc::no_path); }

    const boost::asio::any_io_executor& executor() const { return executor_; }
    /// Null before the start and after the end. Telling it something may end the attempt.
    Handler* handler() const { return handler_; }
    /// Gives up unless something ends the attempt within `limit`.
    void limit_time(std::chrono::milliseconds limit);

    void succeed(std::unique_ptr<core::ports::MessagePath> path);
    void fail(error_code reason);
    /// fail() from the loop, for calls in which the handler must not be told.
    void fail_later(error_code reason);

private:
    Handler* end();

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer deadline_;
    Handler* handler_ = nullptr;
};

/// The attempt that its user owns: closes the negotiation when it goes.
std::unique_ptr<core::ports::PathAttempt> own(std::shared_ptr<Negotiation> negotiation);

}  // namespace tubes::transports
