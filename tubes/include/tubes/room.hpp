// SPDX-License-Identifier: LGPL-2.1-or-later
// Rooms: a chat of several people, in which services are shared with everybody and tubes go between occupants.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tubes/node.hpp"

namespace tubes {
inline namespace v0 {

/// How a room is joined.
struct RoomOptions {
    std::string room;  ///< "cable@conference.example.org".
    std::string nick;  ///< Empty: the account's name and a few random characters, since each device needs its own.
    std::string password;
    std::string account;  ///< Empty: any account whose protocol has rooms and can read the address.
    /// Which addresses links with occupants may use. Empty: relayed ones only, but for people whose key is accepted.
    std::optional<AddressPolicy> addresses;
    std::uint32_t history = 20;  ///< Messages from before that the room may send.
    std::chrono::milliseconds deadline{30000};
};

/// Somebody in a room. All text is the room's or the occupant's.
struct OccupantInfo {
    std::string nick;
    std::string address;       ///< The room with the nickname.
    std::string contact;       ///< Who it is for policies and pins: the room with the occupant id where there is one.
    std::string real_address;  ///< As the room tells it; empty where it hides it. Proves nothing.
    std::string role;          ///< "none", "visitor", "participant", "moderator".
    std::string affiliation;   ///< "none", "outcast", "member", "admin", "owner".
    bool is_self = false;
    bool speaks_tubes = false;
    std::string device;  ///< Hexadecimal SHA-256 of the key it announces.
    std::vector<OfferedService> services;
};

/// A room at one moment.
struct RoomInfo {
    std::string account;
    std::string room;
    std::string subject;
    std::string state;  ///< "joining", "joined", "rejoining", "left".
    bool non_anonymous = false;
    bool members_only = false;
    bool stable_ids = false;  ///< Occupants are known by more than a nickname.
    std::vector<OccupantInfo> occupants;
};

/// Somebody came, or their nickname, role or offers changed.
struct OccupantChanged {
    OccupantInfo occupant;
    bool is_new = false;
};
/// Somebody is gone; their tubes are closed. `reason`: "left", "gone", "kicked", "banned", "members-only", "removed".
struct OccupantLeft {
    OccupantInfo occupant;
    std::string reason, text;
};
/// Something was said. `sent` is set for the room's history.
struct RoomText {
    std::string nick, text;
    std::optional<std::chrono::system_clock::time_point> sent;
    bool is_private = false;
    bool is_own = false;
};
/// The room has another subject.
struct RoomSubjectChanged {
    std::string nick, text;
};
/// The room was lost ("rejoining"), is back ("joined"), or is over ("left": with the reason, as in OccupantLeft, and
/// "destroyed", "nick-taken", "bad-nick", "password", "full", "not-found", "failed").
struct RoomStateChanged {
    std::string state, reason, text;
};
/// The application did not take its events; this many were dropped.
struct RoomEventsLost {
    std::size_t count;
};
using RoomEvent =
    std::variant<OccupantChanged, OccupantLeft, RoomText, RoomSubjectChanged, RoomStateChanged, RoomEventsLost>;

namespace detail {
class RoomBackend;
}

/// A room that this node is in; lives as long as the object.
class TUBES_API Room {
public:
    Room() = default;
    explicit Room(std::shared_ptr<detail::RoomBackend> backend);
    Room(Room&&) noexcept = default;
    Room& operator=(Room&&) noexcept;
    /// Leaves the room; the tubes with its occupants close.
    ~Room();

    /// Joins, and makes the room if its server lets us. Completes when the occupants are known. invalid_argument
    /// (address, nickname), not_connected, unsupported (no rooms there), already_exists (nickname taken, or this node
    /// is in the room), authentication_failed (password), refused (banned), not_available (members only),
    /// limit_exceeded (full), not_found, timed_out. Signature: void(error_code, Room).
    template <class Token>
    static auto async_join(Node& node, RoomOptions options, Token&& token) {
        return detail::initiate<Room>(std::forward<Token>(token),
                                      [backend = node.backend_, options = std::move(options)](auto handler) mutable {
                                          start_join(backend, std::move(options), std::move(handler));
                                      });
    }

    /// The room's address as its protocol writes it.
    const std::string& address() const;

    /// Who is there and what they offer. Signature: void(error_code, RoomInfo).
    template <class Token>
    auto async_info(Token&& token) {
        return detail::initiate<RoomInfo>(std::forward<Token>(token),
                                          [self = backend_](auto handler) { start_info(self, std::move(handler)); });
    }
    /// The next event since the room was joined; at most 1024 wait. Errc::cancelled after "left". One call at a time.
    /// Signature: void(error_code, RoomEvent).
    template <class Token>
    auto async_next(Token&& token) {
        return detail::initiate<RoomEvent>(std::forward<Token>(token),
                                           [self = backend_](auto handler) { start_next(self, std::move(handler)); });
    }
    /// Says something to all, or to one occupant alone. At most 16 KiB. not_found, invalid_argument, not_connected.
    /// Signature: void(error_code).
    template <class Token>
    auto async_send(std::string text, std::string nick, Token&& token) {
        return detail::initiate<>(std::forward<Token>(token), [self = backend_, text = std::move(text),
                                                               nick = std::move(nick)](auto handler) mutable {
            start_send(self, std::move(text), std::move(nick), std::move(handler));
        });
    }
    /// Shares a service with every occupant, now or on joining; each has a tube of their own. `account` and `audience`
    /// are the room's. Errors as Node::async_share, and limit_exceeded beyond 16 services or 8 KiB of parameters.
    /// Signature: void(error_code, Share).
    template <class Token>
    auto async_share(ShareOptions options, Token&& token) {
        return detail::initiate<Share>(std::forward<Token>(token),
                                       [self = backend_, options = std::move(options)](auto handler) mutable {
                                           start_share(self, std::move(options), std::move(handler));
                                       });
    }
    /// Opens a tube to a service of the occupant `nick`; empty: of the only one who offers it. not_found (no such
    /// occupant, nobody offers it), invalid_argument (several do), and as Node::async_connect.
    /// Signature: void(error_code, Tube).
    template <class Token>
    auto async_connect(ConnectOptions options, std::string nick, Token&& token) {
        return detail::initiate<Tube>(std::forward<Token>(token), [self = backend_, options = std::move(options),
                                                                   nick = std::move(nick)](auto handler) mutable {
            start_connect(self, std::move(options), std::move(nick), std::move(handler));
        });
    }
    /// Leaves. Idempotent, not blocking.
    void close();

private:
    using Backend = std::shared_ptr<detail::RoomBackend>;
    static void start_join(const std::shared_ptr<detail::NodeBackend>&, RoomOptions, detail::Handler<Room>);
    static void start_info(const Backend&, detail::Handler<RoomInfo>);
    static void start_next(const Backend&, detail::Handler<RoomEvent>);
    static void start_send(const Backend&, std::string, std::string, detail::Handler<>);
    static void start_share(const Backend&, ShareOptions, detail::Handler<Share>);
    static void start_connect(const Backend&, ConnectOptions, std::string, detail::Handler<Tube>);
    Backend backend_;
};

}  // namespace v0
}  // namespace tubes
