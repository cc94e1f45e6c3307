// SPDX-License-Identifier: GPL-3.0-or-later
// The cable in a room: entering it, again when it was lost; sharing with everybody there.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "samples/collab-editor/cable.hpp"
#include "samples/collab-editor/names.hpp"
#include "samples/collab-editor/page_identity.hpp"

namespace editor {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;

namespace {

constexpr auto kLoginPatience = std::chrono::seconds(30);
constexpr auto kEnterAgainAfter = std::chrono::seconds(5);
constexpr std::size_t kNickDigits = 4;
constexpr auto kRoomPatience = std::chrono::seconds(15);  // for one of a device that is there twice

/// Why a room could not be entered, and what to do.
std::string words_for_room(const boost::system::error_code& failure, const std::string& room) {
    using tubes::Errc;
    const std::string where = "the room " + room + ": ";
    if (failure == Errc::not_connected) return where + "no account is online; tube login ADDRESS makes one";
    if (failure == Errc::already_exists) return where + "the nickname is taken; choose another with --nick";
    if (failure == Errc::invalid_argument) return where + "a room looks like name@conference.example.org";
    if (failure == Errc::authentication_failed)
        return where + "it wants a password, which this editor does not ask for";
    if (failure == Errc::refused) return where + "you are banned there; ask its owner";
    if (failure == Errc::not_available) return where + "only members may enter; ask its owner";
    return where + failure.message();
}

}  // namespace

std::string Cable::words_for_failure(const Failure& failure) const {
    const bool in_room = !options_.room.empty();
    if (in_room && failure == tubes::Errc::not_found) return "nobody in " + options_.room + " shares it just now";
    if (in_room && failure == tubes::Errc::invalid_argument) {
        return "several people in " + options_.room + " share such a document; choose with --from NICKNAME";
    }
    return failure.message();
}

asio::awaitable<void> Cable::enter_room() {
    for (;;) {
        boost::system::error_code failure;
        co_await node_.async_wait_accounts(kLoginPatience, redirect_error(use_awaitable, failure));
        tubes::RoomOptions options;
        options.room = options_.room;
        // A program that was killed lingers in the room, and would be sent what is for its successor of the same name.
        if (!options_.nick.empty()) options.nick = options_.nick + "-" + make_secret().substr(0, kNickDigits);
        options.history = 0;
        tubes::Room room = co_await tubes::Room::async_join(node_, options, redirect_error(use_awaitable, failure));
        if (failure == tubes::Errc::cancelled) co_return;
        if (failure) {
            problem_ = words_for_room(failure, options_.room);
        } else {
            problem_.clear();
            room_ = std::make_shared<tubes::Room>(std::move(room));
            if (options_.is_sharing) asio::co_spawn(node_.get_executor(), share_in_room(), asio::detached);
            co_await watch_room();
            if (room_share_) room_share_->close();
            room_share_.reset();
            room_.reset();
        }
        co_await pause(kEnterAgainAfter);
        if (options_.room.empty()) co_return;  // the user chose a document elsewhere
    }
}

/// The nickname of who shares our document. One device may be there twice: a killed program lingers, and one of its two
/// answers. The same name shared by several is several documents, which must not be mixed.
std::string Cable::choose_sharer(const tubes::RoomInfo& room, Failure& failure) {
    std::vector<const tubes::OccupantInfo*> sharers;
    for (const auto& occupant : room.occupants) {
        const bool is_wanted = memory_.from.empty() || memory_.from == person_of(occupant.nick);
        const bool offers = std::any_of(occupant.services.begin(), occupant.services.end(),
                                        [this](const auto& offered) { return offered.service == service_; });
        if (is_wanted && offers && !occupant.is_self) sharers.push_back(&occupant);
    }
    if (sharers.empty()) failure = tubes::make_error_code(tubes::Errc::not_found);
    if (sharers.empty()) return {};
    const bool is_one = std::all_of(sharers.begin(), sharers.end(),
                                    [&](const auto* each) { return each->device == sharers.front()->device; });
    if (!is_one) failure = tubes::make_error_code(tubes::Errc::invalid_argument);
    return sharers[sharers_tried_++ % sharers.size()]->nick;
}

asio::awaitable<tubes::Tube> Cable::connect_in_room(Failure& failure) {
    const auto room = room_;
    if (!room) {
        failure = tubes::make_error_code(tubes::Errc::not_connected);
        co_return tubes::Tube();
    }
    const tubes::RoomInfo info = co_await room->async_info(redirect_error(use_awaitable, failure));
    std::string nick;
    if (!failure) nick = choose_sharer(info, failure);
    if (failure) co_return tubes::Tube();
    tubes::ConnectOptions options;
    options.service = service_;
    options.deadline = kRoomPatience;
    co_return co_await room->async_connect(std::move(options), std::move(nick), redirect_error(use_awaitable, failure));
}

void Cable::leave_room() {
    options_.room.clear();
    if (room_) room_->close();
}

/// Until the room is over for us.
asio::awaitable<void> Cable::watch_room() {
    const auto room = room_;
    for (;;) {
        boost::system::error_code failure;
        const tubes::RoomEvent event = co_await room->async_next(redirect_error(use_awaitable, failure));
        if (failure) co_return;
        const auto* changed = std::get_if<tubes::RoomStateChanged>(&event);
        if (changed && changed->state == "left") problem_ = "the room " + options_.room + ": " + changed->reason;
    }
}

// The tube, sharing with a room: everybody there has a tube of their own.
asio::awaitable<void> Cable::share_in_room() {
    const auto room = room_;
    tubes::ShareOptions options;
    options.service = service_;
    options.policy = tubes::Policy::always;
    options.trust_first_key = true;  // whom the room lets in, it lets in to the document
    boost::system::error_code failure;
    tubes::Share made = co_await room->async_share(std::move(options), redirect_error(use_awaitable, failure));
    if (failure) problem_ = "cannot share in " + options_.room + ": " + failure.message();
    if (failure || room != room_) co_return;
    room_share_ = std::make_shared<tubes::Share>(std::move(made));
    co_await accept(room_share_);
}

}  // namespace editor
