// SPDX-License-Identifier: GPL-3.0-or-later
// Rooms from joining to leaving.
#include "tubes/engine/rooms.hpp"

#include "tubes/base/bytes.hpp"
#include "tubes/engine/accounts.hpp"
#include "tubes/engine/engine.hpp"
#include "tubes/engine/events.hpp"
#include "tubes/engine/handles.hpp"
#include "tubes/engine/room_info.hpp"
#include "tubes/engine/shares.hpp"

namespace tubes::engine {
namespace {

/// What a Room object holds: a number, and the way to the loop.
class RoomCore final : public detail::RoomBackend {
public:
    RoomCore(std::shared_ptr<Loop> loop, std::weak_ptr<Engine> engine, Rooms::Number number, std::string address)
        : loop_(std::move(loop)), engine_(std::move(engine)), number_(number), address_(std::move(address)) {}

    const std::string& address() const override { return address_; }
    void info(detail::Handler<RoomInfo> handler) override {
        run_on<RoomInfo>(loop_, engine_, std::move(handler), [number = number_](Engine& engine, auto done) {
            engine.rooms().info(number, std::move(done));
        });
    }
    void next(detail::Handler<RoomEvent> handler) override {
        run_on<RoomEvent>(loop_, engine_, std::move(handler), [number = number_](Engine& engine, auto done) {
            engine.rooms().next(number, std::move(done));
        });
    }
    void send(std::string text, std::string nick, detail::Handler<> handler) override {
        run_on<>(loop_, engine_, std::move(handler),
                 [number = number_, text = std::move(text), nick = std::move(nick)](Engine& engine, auto done) {
                     engine.rooms().send(number, text, nick, std::move(done));
                 });
    }
    void share(ShareOptions options, detail::Handler<Share> handler) override {
        run_on<Share>(loop_, engine_, std::move(handler),
                      [number = number_, options = std::move(options)](Engine& engine, auto done) mutable {
                          engine.rooms().share(number, std::move(options), std::move(done));
                      });
    }
    void connect(ConnectOptions options, std::string nick, detail::Handler<Tube> handler) override {
        run_on<Tube>(loop_, engine_, std::move(handler),
                     [number = number_, options = std::move(options), nick = std::move(nick)](Engine& engine,
                                                                                              auto done) mutable {
                         engine.rooms().connect(number, std::move(options), nick, std::move(done));
                     });
    }
    void close() override {
        loop_->post([engine = engine_, number = number_] {
            if (auto alive = engine.lock()) alive->rooms().close(number);
        });
    }

private:
    std::shared_ptr<Loop> loop_;
    std::weak_ptr<Engine> engine_;
    Rooms::Number number_;
    std::string address_;
};

// Two devices of one account under one nickname would get each other's signals.
std::string nick_for(const std::string& account) {
    std::array<std::uint8_t, 2> bytes{};
    base::fill_random(bytes);
    return account.substr(0, account.find('@')) + "-" + base::to_hex(bytes);
}

}  // namespace

result<Rooms::Place> Rooms::resolve(const RoomOptions& options) const {
    if (!options.account.empty() && !engine_.accounts().find(options.account)) return make_error_code(Errc::not_found);
    bool has_rooms = false;
    for (const auto& name : engine_.accounts().names()) {
        if (!options.account.empty() && name != options.account) continue;
        auto* connection = engine_.broker().connection(name);
        const auto* rooms = connection ? connection->rooms() : nullptr;
        if (!rooms) continue;
        has_rooms = true;
        if (auto room = rooms->parse_room(options.room)) return Place{name, std::move(*room)};
    }
    if (has_rooms) return make_error_code(Errc::invalid_argument);
    return make_error_code(options.account.empty() ? Errc::not_connected : Errc::unsupported);
}

void Rooms::join(RoomOptions options, CompletionPointer<Room> done) {
    const auto place = resolve(options);
    if (!place) return done->fail(place.error());
    core::ports::RoomJoin join;
    join.room = place->room;
    join.nick = options.nick.empty() ? nick_for(place->account) : options.nick;
    join.password = options.password;
    join.history = options.history;
    const auto asked = engine_.broker().join_room(place->account, std::move(join), options.addresses);
    if (!asked) return done->fail(asked.error());
    const auto number = next_number_++;
    auto& entry = entries_[number];
    entry.account = place->account;
    entry.room = place->room;
    entry.joining = done;
    entry.deadline = engine_.scheduler().call_at(engine_.scheduler().now() + options.deadline,
                                                 [this, number] { fail_join(number, Errc::timed_out); });
    done->on_cancel([engine = engine_.weak_from_this(), number] {
        if (auto alive = engine.lock()) alive->rooms().fail_join(number, Errc::cancelled);
    });
}

void Rooms::fail_join(Number number, Errc reason) {
    const auto found = entries_.find(number);
    if (found == entries_.end() || !found->second.joining) return;
    auto done = std::exchange(found->second.joining, nullptr);
    close(number);
    done->fail(reason);
}

core::ports::Rooms* Rooms::port(const Entry& entry) const {
    auto* connection = engine_.broker().connection(entry.account);
    return connection ? connection->rooms() : nullptr;
}

void Rooms::on_event(const core::ports::AccountName& account, const core::ports::RoomEvent& event) {
    for (auto& [number, entry] : entries_) {
        if (entry.account != account || entry.room != event.room || entry.is_over) continue;
        const auto* changed = std::get_if<core::ports::RoomChanged>(&event.what);
        const bool left = changed && changed->state == core::ports::RoomState::left;
        if (left && entry.joining) {
            auto done = std::exchange(entry.joining, nullptr);
            const auto reason = join_error(changed->end);
            entries_.erase(number);
            return done->fail(reason);
        }
        push(entry, to_event(event.what, engine_.crypto()));
        if (left) {
            entry.is_over = true;
            deliver(entry);
        }
        if (changed && changed->state == core::ports::RoomState::joined && entry.joining) {
            entry.deadline.reset();
            std::exchange(entry.joining, nullptr)
                ->succeed(Room(
                    std::make_shared<RoomCore>(engine_.loop(), engine_.weak_from_this(), number, entry.room.value)));
        }
        return;
    }
}

void Rooms::push(Entry& entry, RoomEvent event) {
    entry.events.push_back(std::move(event));
    if (entry.events.size() > kMaxEvents) {
        entry.events.pop_front();
        ++entry.lost;
    }
    deliver(entry);
}

void Rooms::deliver(Entry& entry) {
    if (!entry.waiting || entry.waiting->is_done()) return;
    if (entry.lost > 0)
        return std::exchange(entry.waiting, nullptr)->succeed(RoomEventsLost{std::exchange(entry.lost, 0)});
    if (!entry.events.empty()) {
        auto event = std::move(entry.events.front());
        entry.events.pop_front();
        return std::exchange(entry.waiting, nullptr)->succeed(std::move(event));
    }
    if (entry.is_over) std::exchange(entry.waiting, nullptr)->fail(Errc::cancelled);
}

void Rooms::next(Number number, CompletionPointer<RoomEvent> done) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return done->fail(Errc::cancelled);
    auto& entry = found->second;
    if (entry.waiting && !entry.waiting->is_done()) return done->fail(Errc::invalid_argument);
    entry.waiting = std::move(done);
    deliver(entry);
}

void Rooms::info(Number number, CompletionPointer<RoomInfo> done) const {
    const auto found = entries_.find(number);
    auto* rooms = found == entries_.end() ? nullptr : port(found->second);
    const auto view = rooms ? rooms->find(found->second.room) : std::nullopt;
    if (!view) return done->fail(Errc::not_found);
    done->succeed(to_info(*view, found->second.account, engine_.crypto()));
}

result<core::ports::Occupant> Rooms::find_occupant(const Entry& entry, const std::string& nick,
                                                   const std::string& service, TubeKind kind) const {
    auto* rooms = port(entry);
    const auto view = rooms ? rooms->find(entry.room) : std::nullopt;
    if (!view) return make_error_code(Errc::not_found);
    std::optional<core::ports::Occupant> found;
    for (const auto& occupant : view->occupants) {
        if (nick.empty() && (occupant.is_self || !occupant.tubes)) continue;
        if (!nick.empty() && occupant.nick != nick) continue;
        const auto offers = [&](const core::ServiceInfo& info) { return info.name == service && info.kind == kind; };
        const bool fits = service.empty() || (occupant.tubes && std::any_of(occupant.tubes->services.begin(),
                                                                            occupant.tubes->services.end(), offers));
        if (!fits) continue;
        if (found) return make_error_code(Errc::invalid_argument);
        found = occupant;
    }
    if (!found) return make_error_code(Errc::not_found);
    return *found;
}

void Rooms::send(Number number, const std::string& text, const std::string& nick, CompletionPointer<> done) {
    const auto entry = entries_.find(number);
    if (entry == entries_.end()) return done->fail(Errc::not_found);
    auto* rooms = port(entry->second);
    if (!rooms) return done->fail(Errc::not_connected);
    std::optional<core::PeerAddress> to;
    if (!nick.empty()) {
        const auto occupant = find_occupant(entry->second, nick, "", TubeKind::stream);
        if (!occupant) return done->fail(occupant.error());
        to = occupant->address;
    }
    const auto said = rooms->say(entry->second.room, text, to);
    done->finish(said ? error_code() : said.error());
}

void Rooms::share(Number number, ShareOptions options, CompletionPointer<Share> done) {
    const auto entry = entries_.find(number);
    if (entry == entries_.end()) return done->fail(Errc::not_found);
    options.account = entry->second.account;
    options.audience = {entry->second.room.value};
    engine_.shares().share(std::move(options), std::move(done));
}

void Rooms::connect(Number number, ConnectOptions options, const std::string& nick, CompletionPointer<Tube> done) {
    const auto entry = entries_.find(number);
    if (entry == entries_.end()) return done->fail(Errc::not_found);
    const auto occupant = find_occupant(entry->second, nick, options.service, options.kind);
    if (!occupant) return done->fail(occupant.error());
    core::ConnectSpec spec;
    spec.account = entry->second.account;
    spec.contact = occupant->address.contact;
    spec.peer = occupant->address;
    spec.room = entry->second.room;
    spec.service = options.service;
    spec.kind = options.kind;
    spec.parameters = options.parameters;
    spec.deadline = options.deadline;
    engine_.tubes().connect(std::move(spec), std::move(done));
}

std::string Rooms::self_in(const core::ports::AccountName& account, const core::ContactAddress& room) const {
    auto* connection = engine_.broker().connection(account);
    auto* rooms = connection ? connection->rooms() : nullptr;
    const auto view = rooms ? rooms->find(room) : std::nullopt;
    if (!view) return {};
    for (const auto& occupant : view->occupants) {
        if (occupant.is_self) return occupant.address.contact.value;
    }
    return {};
}

bool Rooms::is_room(const core::ContactAddress& address) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&address](const auto& entry) { return entry.second.room == address; });
}

void Rooms::close(Number number) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return;
    auto entry = std::move(found->second);
    entries_.erase(found);
    if (!entry.is_over) engine_.broker().leave_room(entry.account, entry.room);
    if (entry.waiting) entry.waiting->fail(Errc::cancelled);
    if (entry.joining) entry.joining->fail(Errc::cancelled);
}

void Rooms::close_all() {
    while (!entries_.empty()) close(entries_.begin()->first);
}

}  // namespace tubes::engine
