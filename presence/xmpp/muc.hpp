// SPDX-License-Identifier: GPL-3.0-or-later
// The rooms of an account: joining, leaving, staying (self-ping), and who speaks from a room's address.
// Spec: XEP-0045 1.34, XEP-0410 1.1.
#pragma once

#include <chrono>
#include <memory>

#include "presence/xmpp/muc_room.hpp"
#include "tubes/core/ports/connection.hpp"

namespace tubes::presence::xmpp {

/// After so long without a word from a room we ask whether we are still in it (XEP-0410 §3).
inline constexpr std::chrono::minutes kRoomSilence{5};

/// No input or output of its own. Everything goes through Outside, events later than the call.
class Muc final : public core::ports::Rooms {
public:
    struct Outside {
        std::function<void(ElementPtr)> send;  ///< Only while online.
        /// Sends an IQ; the answer, of type result or error, or null if none came.
        std::function<void(ElementPtr iq, std::function<void(const Element*)>)> ask;
        std::function<void(core::ports::RoomEvent)> tell;
        std::function<bool()> is_online;
    };
    using Time = std::chrono::steady_clock::time_point;

    explicit Muc(Outside outside) : outside_(std::move(outside)) {}

    result<core::ContactAddress> parse_room(std::string_view text) const override;
    result<void> join(const core::ports::RoomJoin& join) override;
    void leave(const core::ContactAddress& room) override;
    std::vector<core::ports::RoomView> rooms() const override;
    std::optional<core::ports::RoomView> find(const core::ContactAddress& room) const override;
    std::optional<core::ports::Occupant> occupant(const core::ContactAddress& room,
                                                  const core::PeerAddress& address) const override;
    result<void> say(const core::ContactAddress& room, const std::string& text,
                     const std::optional<core::PeerAddress>& to) override;
    result<void> set_subject(const core::ContactAddress& room, const std::string& text) override;
    void announce(const core::ContactAddress& room, const core::ServiceList& services) override;

    /// The address belongs to a room of ours: nothing from there is a contact's.
    bool owns(const Jid& from) const { return rooms_.contains(from.bare()); }
    /// An occupant that we know, ourselves included: their questions whether we are there are answered.
    bool knows(const Jid& from) const;
    void on_presence(const Jid& from, const Element& presence);
    void on_message(const Jid& from, const Element& message);
    /// Who sends signals from an address of a room; empty if no occupant we know has it.
    std::optional<core::ports::SignalOrigin> origin_of(const Jid& from) const;

    /// The stream is lost and was not resumed.
    void on_stream_lost();
    /// We are online again: back into every room.
    void on_online();
    /// No stream will come any more.
    void on_offline();
    /// Asks rooms that have been silent whether we are still there. To be called about once a minute.
    void check(Time now);

private:
    struct Entry {
        MucRoom room;
        core::ServiceList services;
        std::optional<Time> silent_since;  // a check has seen no word since then
        std::uint64_t attempt = 0;         // answers of earlier attempts to join count for nothing
        bool configured = false;           // the room was new, and its defaults were accepted
    };

    Entry* entry(const std::string& bare);
    const Entry* entry(const std::string& bare) const;
    void begin(Entry& entry);
    /// Asks what the room is, then goes on; the room is the same attempt's or `then` is not called.
    void learn(Entry& entry, std::function<void(Entry&)> then);
    void configure(Entry& entry);
    void rejoin(Entry& entry);
    void send_presence(Entry& entry, bool joining);
    void tell(const core::ContactAddress& room, core::ports::RoomEventKind what);

    Outside outside_;
    std::map<std::string, std::unique_ptr<Entry>> rooms_;  // by bare address
    std::uint64_t attempts_ = 0;
};

}  // namespace tubes::presence::xmpp
