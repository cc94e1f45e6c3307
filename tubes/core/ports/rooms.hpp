// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms of a connection: who is in them, what is said, and what occupants offer. Protocols that have none return no
// Rooms. Spec: docs/protocol.md, "Rooms".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tubes/core/signaling/signals.hpp"

namespace tubes::core::ports {

/// What an occupant may do in the room (XEP-0045 §5.1).
enum class RoomRole : std::uint8_t { none, visitor, participant, moderator };
/// What the room thinks of a person for longer than a visit (XEP-0045 §5.2).
enum class RoomAffiliation : std::uint8_t { none, outcast, member, admin, owner };

/// Somebody in a room.
struct Occupant {
    /// The value is the room with the nickname. The contact is who it is: the room with the occupant id where the
    /// room gives one (it survives nicknames and visits), else the same as the value.
    PeerAddress address;
    std::string nick;  ///< Untrusted text; unique in the room.
    RoomRole role = RoomRole::participant;
    RoomAffiliation affiliation = RoomAffiliation::none;
    std::optional<ContactAddress> real;  ///< The person's own address as the room tells it; empty: hidden from us.
    bool is_self = false;
    std::optional<ServiceList> tubes;  ///< The device's key and what it offers to the room; empty: speaks no tubes.
};

/// Why a room, or an occupant's stay, is over.
enum class RoomEnd : std::uint8_t {
    none,          ///< It is not.
    left,          ///< Of their own will.
    gone,          ///< The connection was lost.
    nick_taken,    ///< Joining: somebody else has the nickname.
    bad_nick,      ///< Joining: the room does not take this nickname.
    password,      ///< Joining: the password is missing or wrong.
    banned,        ///< By name, now or before.
    members_only,  ///< Joining: or removed when the room became so.
    full,          ///< Joining: the room has as many occupants as it takes.
    not_found,     ///< Joining: no such room, and it may not be created.
    kicked,        ///< By a moderator.
    removed,       ///< The affiliation was changed or the service shuts down.
    destroyed,     ///< The room is no more.
    failed,        ///< The room's server does not answer, or answers nonsense.
};

enum class RoomState : std::uint8_t {
    joining,    ///< Asked; not there yet.
    joined,     ///< Occupants are known.
    rejoining,  ///< Was there; the connection was lost or the room forgot us. Tries again by itself.
    left,       ///< Over; `end` says why. Nothing follows.
};

/// What a room is, as its server describes it.
struct RoomTraits {
    bool stable_ids = false;     ///< Occupants have ids that survive nicknames (XEP-0421).
    bool non_anonymous = false;  ///< Every occupant sees the others' own addresses.
    bool members_only = false;
};

// Events of one room, in order.
struct RoomChanged {
    RoomState state = RoomState::joining;
    RoomEnd end = RoomEnd::none;
    std::string text;  ///< The reason in people's words, or where the room moved to. Untrusted.
};
/// Somebody came, or something about them changed.
struct OccupantChanged {
    Occupant occupant;
    bool is_new = false;
};
/// Somebody took another nickname; they are the same person by the room's word.
struct OccupantRenamed {
    PeerAddress before;
    Occupant occupant;
};
struct OccupantLeft {
    Occupant occupant;
    RoomEnd end = RoomEnd::left;
    std::string text;
};
struct RoomSubject {
    std::string nick;
    std::string text;
};
struct RoomMessage {
    std::string nick;  ///< Of the sender; empty: the room itself.
    std::string text;
    std::int64_t sent = 0;    ///< Seconds since the epoch (UTC); 0: just now. From the room's history otherwise.
    bool is_private = false;  ///< To us alone.
    bool is_own = false;
};
using RoomEventKind =
    std::variant<RoomChanged, OccupantChanged, OccupantRenamed, OccupantLeft, RoomSubject, RoomMessage>;
struct RoomEvent {
    ContactAddress room;
    RoomEventKind what;
};

struct RoomJoin {
    ContactAddress room;
    std::string nick;
    std::string password;
    std::uint32_t history = 20;  ///< Messages from before that the room may send.
};

/// A room as it is just now.
struct RoomView {
    ContactAddress room;
    RoomState state = RoomState::joining;
    RoomTraits traits;
    std::string subject;
    std::vector<Occupant> occupants;  ///< This node included once joined.
};

inline constexpr std::size_t kMaxRooms = 64;               ///< Joined at once.
inline constexpr std::size_t kMaxOccupants = 1024;         ///< Known of one room; more are not seen.
inline constexpr std::size_t kMaxRoomServices = 16;        ///< That one occupant offers.
inline constexpr std::size_t kMaxAnnouncement = 8 * 1024;  ///< Bytes of names and parameters of those.
inline constexpr std::size_t kMaxRoomText = 16 * 1024;     ///< Bytes of a message; longer ones are cut.
inline constexpr std::size_t kMaxNick = 128;               ///< Bytes of a nickname.

/// See the head of the file. Events come through Connection::Handler::on_room_event, never inside a call.
class Rooms {
public:
    virtual ~Rooms() = default;

    /// Prepares a room's address typed by a person. Errc::invalid_argument if it is none of this protocol's.
    virtual result<ContactAddress> parse_room(std::string_view text) const = 0;

    /// Asks to be let in; the outcome is a RoomChanged. already_exists (in it, or asked), limit_exceeded,
    /// invalid_argument (nickname), not_connected.
    virtual result<void> join(const RoomJoin& join) = 0;
    /// Leaves, or gives up joining; RoomChanged follows. Idempotent.
    virtual void leave(const ContactAddress& room) = 0;

    virtual std::vector<RoomView> rooms() const = 0;
    virtual std::optional<RoomView> find(const ContactAddress& room) const = 0;
    /// The occupant with exactly this address.
    virtual std::optional<Occupant> occupant(const ContactAddress& room, const PeerAddress& address) const = 0;

    /// Says something to all, or to one occupant alone. not_found, invalid_argument (empty, too long), not_connected.
    virtual result<void> say(const ContactAddress& room, const std::string& text,
                             const std::optional<PeerAddress>& to) = 0;
    virtual result<void> set_subject(const ContactAddress& room, const std::string& text) = 0;

    /// What this device offers to the room; told to everybody who is there or joins, until it is replaced.
    virtual void announce(const ContactAddress& room, const ServiceList& services) = 0;
};

/// Bytes that a service takes in an announcement, against kMaxAnnouncement.
std::size_t announced_size(const ServiceInfo& service) noexcept;

}  // namespace tubes::core::ports
