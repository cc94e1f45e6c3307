// SPDX-License-Identifier: GPL-3.0-or-later
// What the application offers to others: shares and offers, and where their streams go.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "tubes/core/tube/broker.hpp"
#include "tubes/engine/completion.hpp"

namespace tubes::engine {

class Engine;
class SharedEnd;

/// Streams of a share whose application does not take them; further ones are refused.
inline constexpr std::size_t kMaxWaitingStreams = 128;

/// On the loop. Public objects name an entry by its number.
class Shares {
public:
    using Number = std::uint64_t;

    explicit Shares(Engine& engine) : engine_(engine) {}

    void share(ShareOptions options, CompletionPointer<Share> done);
    void offer(OfferOptions options, CompletionPointer<Share> done);
    void accept(Number number, CompletionPointer<Stream> done);
    void accept_flow(Number number, CompletionPointer<DatagramFlow> done);
    void close(Number number, Errc reason = Errc::cancelled);
    void close_all();

    std::vector<ShareInfo> list() const;

    void on_tube_open(const core::TubeStatus& tube);
    void on_stream(const core::TubeId& tube, std::shared_ptr<core::Stream> stream);
    void on_tube_closed(const core::TubeId& tube);
    void on_offer_ended(const core::OfferId& id, Errc reason);

private:
    struct Entry {
        ShareInfo info;
        Endpoint target;
        std::optional<core::OfferId> offer;
        std::shared_ptr<SharedEnd> end;  // where all tubes of the share meet, for kinds that have that
        bool is_target_used = false;     // of a pair of descriptors, which serves one stream
        std::deque<std::shared_ptr<core::Stream>> streams;
        std::deque<CompletionPointer<Stream>> accepts;
        std::deque<CompletionPointer<DatagramFlow>> flow_accepts;
        std::optional<Errc> ended;
    };

    result<core::ShareSpec> to_spec(const ShareOptions& options) const;
    Share add(Entry entry);
    error_code open_end(Entry& entry, bool is_for_room);
    Entry* find(const core::TubeId& tube);
    std::optional<Number> number_of(const core::TubeStatus& tube) const;
    void adopt(const CompletionPointer<Stream>& accept, std::shared_ptr<core::Stream> stream);
    void adopt(const CompletionPointer<DatagramFlow>& accept, std::shared_ptr<core::Stream> flow);
    template <class Accepts, class Accept>
    void take_next(Entry& entry, Accepts& accepts, Accept done);
    template <class Accepts>
    bool hand_to_next(Accepts& accepts, std::shared_ptr<core::Stream>& stream);
    void hand_over(Entry& entry, std::shared_ptr<core::Stream> stream);
    void join_target(Entry& entry, const std::string& occupant, std::shared_ptr<core::Stream> stream);
    void end(Entry& entry, Errc reason);

    Engine& engine_;
    Number next_number_ = 1;
    std::map<Number, Entry> entries_;
    struct User {
        Number share = 0;
        std::string occupant;  // who they are in a room; empty for a contact
    };

    std::map<core::TubeId, User> tubes_;
};

}  // namespace tubes::engine
