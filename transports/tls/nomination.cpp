// SPDX-License-Identifier: GPL-3.0-or-later
// Writes and awaits the nomination frame.
#include "transports/tls/nomination.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <array>

#include "transports/streams/frame.hpp"
#include "transports/streams/stream_step.hpp"

namespace tubes::transports {

error_code nominate(TlsStream& stream) {
    const auto taken = stream.write_some(kNominationFrame);
    if (taken.has_error()) return taken.error();
    return *taken == kNominationFrame.size() ? error_code() : make_error_code(Errc::broken);
}

class NominationWait::Run final : public StreamStep<TlsStream> {
public:
    using StreamStep::StreamStep;

private:
    void advance() override {
        if (!fill(frame_, received_)) return;
        if (frame_ != kNominationFrame) return fail(make_error_code(Errc::protocol_violation));
        succeed();
    }

    std::array<std::uint8_t, kNominationFrame.size()> frame_{};
    std::size_t received_ = 0;
};

NominationWait::NominationWait(boost::asio::any_io_executor executor, std::unique_ptr<TlsStream> stream, Done done)
    : run_(std::make_shared<Run>(std::move(stream), std::move(done))) {
    run_->begin(executor);
}

NominationWait::~NominationWait() {
    run_->cancel();
}

}  // namespace tubes::transports
