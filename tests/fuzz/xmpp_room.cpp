// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzzes a room: any presence or message that its server, or an occupant, may send. Whatever comes, the list of
// occupants stays bounded and no two of them have one nickname.
#include <set>

#include "presence/xmpp/muc_room.hpp"
#include "presence/xmpp/namespaces.hpp"
#include "presence/xmpp/xml_stream.hpp"

namespace {

using namespace tubes::presence::xmpp;

void check(const MucRoom& room) {
    std::set<std::string> nicks;
    for (const auto& occupant : room.view().occupants) {
        if (!nicks.insert(occupant.nick).second) __builtin_trap();
        if (occupant.tubes && occupant.tubes->services.size() > tubes::core::ports::kMaxRoomServices) __builtin_trap();
    }
    if (nicks.size() > tubes::core::ports::kMaxOccupants + 1) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto address = Jid::parse("a@b");
    MucRoom room(*address, {{"a@b"}, "me", "", 0}, [](const tubes::core::ports::RoomEventKind&) {});
    DiscoInfo info;
    if (data[0] % 2 == 0) info.features.insert(std::string(kOccupantIdNamespace));
    room.set_traits(info);
    XmlStream stream(StanzaLimits{});
    (void)stream.feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
    if (!stream.feed({reinterpret_cast<const char*>(data + 1), size - 1})) return 0;
    while (auto stanza = stream.next()) {
        const auto from = Jid::parse(attribute(*stanza, "from"));
        if (!from || from->bare() != "a@b") continue;
        if (stanza->name() == "message") room.on_message(*from, *stanza);
        if (stanza->name() == "presence" && room.on_presence(*from, *stanza) == MucRoom::Step::entered) room.enter();
        check(room);
    }
    return 0;
}
