// SPDX-License-Identifier: GPL-3.0-or-later
// One room as its server tells it: stanzas in, events out. No input or output of its own.
// Spec: XEP-0045 1.34, XEP-0421 0.1, XEP-0203.
#pragma once

#include <functional>
#include <map>

#include "presence/xmpp/address.hpp"
#include "presence/xmpp/capabilities.hpp"
#include "presence/xmpp/xml.hpp"
#include "tubes/core/ports/rooms.hpp"

namespace tubes::presence::xmpp {

inline constexpr std::size_t kMaxOccupantId = 128;  // bytes; longer ones are as good as none
inline constexpr std::size_t kMaxRoomReason = 512;  // bytes of why somebody was kicked

class MucRoom {
public:
    using Emit = std::function<void(core::ports::RoomEventKind)>;
    /// What the caller has to do about a presence.
    enum class Step : std::uint8_t {
        none,
        configure,  ///< We made the room: it is locked until its maker accepts the defaults (XEP-0045 §10.1.2).
        entered,    ///< We are in; enter() tells what is known so far.
        over,       ///< Nothing will follow; the event has been told.
    };

    MucRoom(Jid address, core::ports::RoomJoin join, Emit emit);

    const Jid& address() const noexcept { return address_; }
    const core::ports::RoomJoin& join() const noexcept { return join_; }
    const core::ports::RoomView& view() const noexcept { return view_; }
    const std::string& nick() const noexcept { return nick_; }
    Jid self() const { return *address_.with_resource(nick_); }
    bool is_joined() const noexcept { return view_.state == core::ports::RoomState::joined; }

    /// What its server says of the room; believed for occupant ids.
    void set_traits(const DiscoInfo& info);
    /// Our presence there: to join (XEP-0045 §7.2), later to tell what we offer.
    ElementPtr make_presence(const core::ServiceList& services, bool joining) const;

    /// A presence from the room's address, or from an occupant.
    Step on_presence(const Jid& from, const Element& presence);
    void on_message(const Jid& from, const Element& message);
    /// Tells all occupants known so far, then that we are in.
    void enter();
    /// The stream is lost: all occupants are unknown until they are told anew.
    void forget_occupants();
    void end(core::ports::RoomEnd end, const std::string& text);

    /// The occupant that speaks from this address just now; null if there is none.
    const core::ports::Occupant* find(const Jid& from) const;
    const core::ports::Occupant* find(const core::PeerAddress& address) const;

private:
    Step on_error(const Element& presence);
    Step on_available(const Jid& from, const Element& presence);
    Step on_unavailable(const Jid& from, const Element& presence);
    core::ports::Occupant read(const Jid& from, const Element& presence) const;
    core::ContactAddress contact_of(const Jid& from, const Element& presence) const;
    void rename(core::ports::Occupant& occupant, const std::string& nick);
    core::ports::Occupant* find_nick(const std::string& nick);

    Jid address_;
    core::ports::RoomJoin join_;
    Emit emit_;
    std::string nick_;
    core::ports::RoomView view_;
    std::vector<core::ports::Occupant> before_;  // who was there when the stream was lost
};

/// Text of a network in a bounded size, cut at a character's boundary.
std::string bounded_text(std::string text, std::size_t limit);

}  // namespace tubes::presence::xmpp
