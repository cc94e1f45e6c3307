// SPDX-License-Identifier: GPL-3.0-or-later
// Rate and round-trip filters of the send window (after BBR, draft-cardwell-iccrg-bbr-congestion-control-02 §4.1).
#include "transports/sctp/send_window.hpp"

#include <algorithm>

#include "tubes/core/ports/message_path.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFrame = core::ports::kMaxMessageSize;
/// Room that every path gets: a LAN's rate times its scheduling delays. Sets the delay beside bulk on loopback.
constexpr std::size_t kFloor = 160 * 1024;
/// Largest window; more overshoots slow start and loses rate (measured: 4 MiB carried less than 2 MiB at 50 ms).
constexpr std::size_t kCeiling = 2 * 1024 * 1024;
/// Window while probing for the shortest round trip.
constexpr std::size_t kProbeFloor = 32 * 1024;
/// Over 2, so that slow start can double in each round trip.
constexpr double kGain = 2.5;
/// A path's shortest round trip is looked for anew this often.
constexpr auto kShortestLifetime = 10s;

double seconds(core::Duration duration) noexcept {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

void SendWindow::on_handed(std::size_t bytes, TimePoint now) {
    if (!sample_) sample_ = Sample{handed_ + bytes, delivered(), now, probing_};
    handed_ += bytes;
    queued_ += bytes;
}

void SendWindow::on_acknowledged(std::size_t queued, std::size_t congestion_window, TimePoint now) {
    queued_ = std::min<std::size_t>(queued, handed_);
    congestion_window_ = congestion_window;
    if (sample_ && delivered() >= sample_->target) finish_sample(now);
}

void SendWindow::finish_sample(TimePoint now) {
    const auto took = std::max<core::Duration>(now - sample_->started, 1us);
    rates_[next_rate_] = static_cast<double>(delivered() - sample_->delivered) / seconds(took);
    next_rate_ = (next_rate_ + 1) % rates_.size();
    best_rate_ = *std::max_element(rates_.begin(), rates_.end());
    if (sample_->probe) {
        shortest_.reset();
        probing_ = false;
    }
    learn_round_trip(took, now);
    sample_.reset();
}

void SendWindow::learn_round_trip(core::Duration sample, TimePoint now) {
    if (!shortest_ || sample <= *shortest_) {
        shortest_ = sample;
        shortest_since_ = now;
    } else if (now - shortest_since_ > kShortestLifetime) {
        probing_ = true;
    }
    smoothed_ = smoothed_ ? (*smoothed_ * 7 + sample) / 8 : sample;
}

double SendWindow::product() const noexcept {
    return shortest_ ? best_rate_ * seconds(*shortest_) : 0.0;
}

std::size_t SendWindow::limit() const noexcept {
    if (probing_) return std::max(kProbeFloor, static_cast<std::size_t>(product() / 2));
    const auto path = static_cast<std::size_t>(std::min(kGain * product(), static_cast<double>(kCeiling)));
    const auto wanted = std::clamp(path, kFloor, kCeiling);
    return congestion_window_ == 0 ? wanted : std::min(wanted, congestion_window_ + kFrame);
}

std::optional<std::chrono::microseconds> SendWindow::round_trip() const noexcept {
    if (!smoothed_) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::microseconds>(*smoothed_);
}

}  // namespace tubes::transports
