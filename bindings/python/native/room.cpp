// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/room.hpp: rooms, their occupants and what happens in them.
#include "tubes/room.hpp"

#include "bindings/python/native/arguments.hpp"

namespace tubes::python {

py::object to_python(const OccupantInfo& info) {
    return Record("OccupantInfo")
        .set("nick", info.nick)
        .set("address", info.address)
        .set("contact", info.contact)
        .set("real_address", info.real_address)
        .set("role", info.role)
        .set("affiliation", info.affiliation)
        .set("is_self", info.is_self)
        .set("speaks_tubes", info.speaks_tubes)
        .set("device", info.device)
        .set("services", info.services)
        .make();
}

py::object to_python(const RoomInfo& info) {
    return Record("RoomInfo")
        .set("account", info.account)
        .set("room", info.room)
        .set("subject", info.subject)
        .set("state", info.state)
        .set("non_anonymous", info.non_anonymous)
        .set("members_only", info.members_only)
        .set("stable_ids", info.stable_ids)
        .set("occupants", info.occupants)
        .make();
}

namespace {

struct EventToPython {
    py::object operator()(const OccupantChanged& event) const {
        return Record("OccupantChanged").set("occupant", event.occupant).set("is_new", event.is_new).make();
    }
    py::object operator()(const OccupantLeft& event) const {
        return Record("OccupantLeft")
            .set("occupant", event.occupant)
            .set("reason", event.reason)
            .set("text", event.text)
            .make();
    }
    py::object operator()(const RoomText& event) const {
        return Record("RoomText")
            .set("nick", event.nick)
            .set("text", event.text)
            .set("sent", event.sent)
            .set("is_private", event.is_private)
            .set("is_own", event.is_own)
            .make();
    }
    py::object operator()(const RoomSubjectChanged& event) const {
        return Record("RoomSubjectChanged").set("nick", event.nick).set("text", event.text).make();
    }
    py::object operator()(const RoomStateChanged& event) const {
        return Record("RoomStateChanged")
            .set("state", event.state)
            .set("reason", event.reason)
            .set("text", event.text)
            .make();
    }
    py::object operator()(const RoomEventsLost& event) const {
        return Record("RoomEventsLost").set("count", event.count).make();
    }
};

Ticket join(Node& node, Completions& completions, std::string room, std::string nick, std::string password,
            std::string account, std::optional<int> addresses, std::uint32_t history, double deadline) {
    RoomOptions options;
    options.room = std::move(room);
    options.nick = std::move(nick);
    options.password = std::move(password);
    options.account = std::move(account);
    if (addresses) options.addresses = static_cast<AddressPolicy>(*addresses);
    options.history = history;
    options.deadline = milliseconds(deadline);
    return begin<Room>(completions,
                       [&](auto handler) { Room::async_join(node, std::move(options), std::move(handler)); });
}

}  // namespace

py::object to_python(const RoomEvent& event) {
    return std::visit(EventToPython{}, event);
}
py::object to_python(Room&& room) {
    return py::cast(std::make_unique<Room>(std::move(room)));
}

void bind_room(py::module_& module) {
    py::class_<Room>(module, "Room")
        .def_static("join", &join)
        .def_property_readonly("address", [](const Room& self) { return to_python(self.address()); })
        .def("info",
             [](Room& self, Completions& completions) {
                 return begin<RoomInfo>(completions, [&](auto handler) { self.async_info(std::move(handler)); });
             })
        .def("next",
             [](Room& self, Completions& completions) {
                 return begin<RoomEvent>(completions, [&](auto handler) { self.async_next(std::move(handler)); });
             })
        .def("send",
             [](Room& self, Completions& completions, std::string text, std::string nick) {
                 return begin<>(completions, [&](auto handler) {
                     self.async_send(std::move(text), std::move(nick), std::move(handler));
                 });
             })
        .def("share",
             [](Room& self, Completions& completions, std::string service, const Endpoint& target, int kind,
                const py::dict& parameters, int policy, bool trust_first_key) {
                 auto options =
                     share_options(std::move(service), target, kind, parameters, "", {}, policy, trust_first_key);
                 return begin<Share>(completions,
                                     [&](auto handler) { self.async_share(std::move(options), std::move(handler)); });
             })
        .def("connect",
             [](Room& self, Completions& completions, std::string service, std::string nick, int kind,
                const py::dict& parameters, double deadline) {
                 auto options = connect_options("", std::move(service), "", kind, parameters, "", deadline);
                 return begin<Tube>(completions, [&](auto handler) {
                     self.async_connect(std::move(options), std::move(nick), std::move(handler));
                 });
             })
        .def("close", &Room::close);
}

}  // namespace tubes::python
