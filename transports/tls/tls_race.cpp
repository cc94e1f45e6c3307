// SPDX-License-Identifier: GPL-3.0-or-later
// From connection to nominated path.
#include "transports/tls/tls_race.hpp"

#include <algorithm>
#include <list>

#include "transports/guarded.hpp"
#include "transports/streams/framed_path.hpp"
#include "transports/tls/nomination.hpp"
#include "transports/tls/tls_handshake.hpp"
#include "tubes/base/log.hpp"

namespace tubes::transports {

using core::LinkRole;
using core::ports::PathInfo;

class TlsRace::Run final : public std::enable_shared_from_this<Run> {
public:
    Run(boost::asio::any_io_executor executor, LinkRole role, std::shared_ptr<const TlsContext> context, Events events)
        : executor_(std::move(executor)), role_(role), context_(std::move(context)), events_(std::move(events)) {}

    void add(std::unique_ptr<ByteStream> lower, TlsRole role, PathInfo info) {
        connections_.push_back({role, std::move(info), nullptr, nullptr});
        const auto entry = std::prev(connections_.end());
        entry->handshake = std::make_unique<TlsHandshake>(
            executor_, std::make_unique<TlsStream>(context_, std::move(lower), role),
            guarded(this, [entry](Run& self, result<std::unique_ptr<TlsStream>> outcome) {
                self.finish_handshake(entry, std::move(outcome));
            }));
    }

    bool empty() const noexcept { return connections_.empty(); }

    void make_room_for_strangers(std::size_t count) {
        const auto is_stranger = [](const Connection& connection) {
            return connection.role == TlsRole::server && connection.handshake;
        };
        const auto strangers = std::count_if(connections_.begin(), connections_.end(), is_stranger);
        if (strangers < static_cast<std::ptrdiff_t>(count)) return;
        connections_.erase(std::find_if(connections_.begin(), connections_.end(), is_stranger));
    }

    void cancel() {
        events_ = {};
        connections_.clear();
    }

private:
    struct Connection {
        TlsRole role;
        PathInfo info;
        std::unique_ptr<TlsHandshake> handshake;
        std::unique_ptr<NominationWait> nomination;
    };
    using Entry = std::list<Connection>::iterator;

    void finish_handshake(Entry entry, result<std::unique_ptr<TlsStream>> outcome) {
        if (outcome.has_error()) return drop(entry, outcome.error());
        auto stream = std::move(outcome).value();
        entry->info.detail += (entry->info.detail.empty() ? "" : ", ") + stream->description();
        if (role_ == LinkRole::initiator) {
            const auto error = nominate(*stream);
            return error ? drop(entry, error) : open(entry, std::move(stream));
        }
        entry->handshake.reset();
        entry->nomination = std::make_unique<NominationWait>(
            executor_, std::move(stream),
            guarded(this, [entry](Run& self, result<std::unique_ptr<TlsStream>> nominated) {
                if (nominated.has_error()) return self.drop(entry, nominated.error());
                self.open(entry, std::move(nominated).value());
            }));
    }

    void drop(Entry entry, error_code reason) {
        base::logger("tls")->debug("connection with {} dropped: {}", entry->info.remote_address, reason.message());
        connections_.erase(entry);
        // A copy: the call may end this race.
        if (const auto notify = events_.on_drop) notify(reason);
    }

    void open(Entry entry, std::unique_ptr<TlsStream> stream) {
        const auto binding = stream->channel_binding();
        auto path = std::make_unique<FramedPath>(executor_, std::move(stream), entry->info, binding);
        const auto notify = std::exchange(events_, {}).on_open;
        connections_.clear();
        if (notify) notify(std::move(path));
    }

    boost::asio::any_io_executor executor_;
    LinkRole role_;
    std::shared_ptr<const TlsContext> context_;
    Events events_;
    std::list<Connection> connections_;
};

TlsRace::TlsRace(boost::asio::any_io_executor executor, LinkRole role, std::shared_ptr<const TlsContext> context,
                 Events events)
    : run_(std::make_shared<Run>(std::move(executor), role, std::move(context), std::move(events))) {}

TlsRace::~TlsRace() {
    run_->cancel();
}

void TlsRace::add(std::unique_ptr<ByteStream> stream, TlsRole role, PathInfo info) {
    run_->add(std::move(stream), role, std::move(info));
}

bool TlsRace::empty() const noexcept {
    return run_->empty();
}

void TlsRace::make_room_for_strangers(std::size_t count) {
    run_->make_room_for_strangers(count);
}

}  // namespace tubes::transports
