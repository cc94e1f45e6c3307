// SPDX-License-Identifier: GPL-3.0-or-later
// Reading in turns, and the rhythm of consent.
#include "transports/ice/taken_over_socket.hpp"

#include <utility>

#include "tubes/error.hpp"

namespace tubes::transports {
namespace {

/// Reads of one turn; each brings up to 64 KiB.
constexpr int kMaxReads = 8;

}  // namespace

TakenOverSocket::TakenOverSocket(boost::asio::any_io_executor executor, const TakenPair& pair,
                                 const IceCredentials& local, const IceCredentials& remote, Events& events,
                                 ConsentTimes times)
    : events_(&events),
      socket_(executor, pair.socket),
      timer_(executor),
      batch_(pair.socket),
      consent_(local, remote, pair.controlling),
      pair_(pair),
      times_(times),
      jitter_(std::random_device{}()) {}

TakenOverSocket::~TakenOverSocket() {
    close();
}

void TakenOverSocket::start() {
    allowed_at_ = Clock::now();
    wait();
    ask();
}

UdpBatch::Sent TakenOverSocket::send(core::ByteView bytes, std::span<const std::uint32_t> sizes) {
    if (events_ == nullptr) return {sizes.size(), 0};
    return batch_.send(bytes, sizes);
}

void TakenOverSocket::close() {
    events_ = nullptr;
    timer_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void TakenOverSocket::wait() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [weak = weak_from_this()](const boost::system::error_code& error) {
                           const auto self = weak.lock();
                           if (self && !error) self->read_turn();
                       });
}

void TakenOverSocket::read_turn() {
    const auto self = shared_from_this();
    for (int i = 0; i < kMaxReads && events_ != nullptr; ++i) {
        if (!batch_.receive([this](core::ByteView datagram) { take(datagram); })) break;
    }
    if (events_ != nullptr) events_->on_taken_turn_over();
    if (events_ != nullptr) wait();
}

void TakenOverSocket::take(core::ByteView datagram) {
    if (events_ == nullptr) return;
    if (!StunConsent::is_stun(datagram)) return events_->on_taken_datagram(datagram);
    const auto outcome = consent_.receive(datagram, pair_.peer, pair_.peer_size);
    const auto size = static_cast<std::uint32_t>(outcome.reply.size());
    if (size != 0) batch_.send(outcome.reply, {&size, 1});
    if (!outcome.consent) return;
    allowed_at_ = Clock::now();
    ask_after(times_.interval);
}

void TakenOverSocket::ask() {
    if (Clock::now() - allowed_at_ >= times_.lifetime) {
        auto* events = events_;
        close();
        events->on_taken_consent_lost();
        return;
    }
    const auto request = consent_.make_request();
    const auto size = static_cast<std::uint32_t>(request.size());
    if (size != 0) batch_.send(request, {&size, 1});
    ask_after(times_.unanswered);
}

void TakenOverSocket::ask_after(std::chrono::milliseconds delay) {
    std::uniform_int_distribution<long> milliseconds(delay.count() * 8 / 10, delay.count() * 12 / 10);
    timer_.expires_after(std::chrono::milliseconds(milliseconds(jitter_)));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (self && !error && self->events_ != nullptr) self->ask();
    });
}

}  // namespace tubes::transports
