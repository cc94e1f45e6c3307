// SPDX-License-Identifier: GPL-3.0-or-later
// A room's server, played by a test: injects its stanzas, records what is sent, asked and told.
#pragma once

#include <gloox/parser.h>
#include <gloox/taghandler.h>
#include <gtest/gtest.h>

#include "presence/xmpp/muc.hpp"
#include "presence/xmpp/namespaces.hpp"

namespace tubes::presence::xmpp::test {

using namespace core::ports;
using core::ServiceList;

inline const core::ContactAddress kRoom{"chat@muc.example.org"};
inline const std::string kKey(64, 'a');

class Catcher : public gloox::TagHandler {
public:
    void handleTag(gloox::Tag* tag) override { caught.reset(tag->clone()); }
    ElementPtr caught;
};

inline ElementPtr parse(std::string xml) {
    Catcher catcher;
    gloox::Parser parser(&catcher);
    parser.feed(xml);
    return std::move(catcher.caught);
}

/// A room's server, played by the test.
class ChatRoom : public testing::Test {
protected:
    ChatRoom()
        : muc({[this](ElementPtr stanza) { sent.push_back(stanza->xml()); },
               [this](ElementPtr iq, auto callback) { asked.emplace_back(iq->xml(), std::move(callback)); },
               [this](RoomEvent event) { events.push_back(std::move(event)); }, [this] { return online; }}) {}

    void receive(const std::string& xml) {
        const auto stanza = parse(xml);
        ASSERT_TRUE(stanza) << xml;
        const auto from = Jid::parse(attribute(*stanza, "from"));
        ASSERT_TRUE(from);
        if (stanza->name() == "presence") muc.on_presence(*from, *stanza);
        if (stanza->name() == "message") muc.on_message(*from, *stanza);
    }
    void answer(const std::string& xml) {
        ASSERT_FALSE(asked.empty());
        auto callback = std::move(asked.front().second);
        asked.erase(asked.begin());
        const auto reply = xml.empty() ? nullptr : parse(xml);
        callback(reply.get());
    }
    void traits(const std::string& features) {
        answer(
            "<iq xmlns='jabber:client' type='result'><query xmlns='http://jabber.org/protocol/disco#info'>"
            "<identity category='conference' type='text' name='x'/>" +
            features + "</query></iq>");
    }
    static std::string presence(const std::string& nick, const std::string& inside, const std::string& type = "",
                                const std::string& rest = "") {
        return "<presence xmlns='jabber:client' from='chat@muc.example.org/" + nick + "'" +
               (type.empty() ? "" : " type='" + type + "'") + "><x xmlns='http://jabber.org/protocol/muc#user'>" +
               inside + "</x>" + rest + "</presence>";
    }
    static std::string id(const std::string& text) {
        return "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='" + text + "'/>";
    }
    static std::string offers(const std::string& services) {
        return "<services xmlns='urn:tubes:protocol:0' identity='" + kKey + "'>" + services + "</services>";
    }
    result<void> ask_in(const std::string& nick = "me", const std::string& password = "") {
        return muc.join({kRoom, nick, password, 20});
    }
    /// In a room that gives occupant ids, with Bob.
    void enter(const std::string& features = "<feature var='urn:xmpp:occupant-id:0'/>") {
        ASSERT_TRUE(ask_in());
        traits(features);
        receive(presence("bob", "<item affiliation='member' role='participant'/>", "", id("B")));
        receive(presence("me", "<item affiliation='none' role='participant'/><status code='110'/>", "", id("M")));
        events.clear();
        sent.clear();
    }
    template <class Kind>
    std::vector<Kind> all() const {
        std::vector<Kind> found;
        for (const auto& event : events) {
            if (const auto* kind = std::get_if<Kind>(&event.what)) found.push_back(*kind);
        }
        return found;
    }
    RoomEnd refused(const std::string& condition) {
        events.clear();
        EXPECT_TRUE(ask_in());
        traits("");
        receive("<presence xmlns='jabber:client' type='error' from='chat@muc.example.org/me'><error type='cancel'><" +
                condition + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");
        const auto changes = all<RoomChanged>();
        EXPECT_EQ(changes.size(), 1u);
        EXPECT_FALSE(muc.find(kRoom));
        return changes.empty() ? RoomEnd::none : changes[0].end;
    }
    std::optional<Occupant> occupant(const std::string& nick) {
        for (const auto& view : muc.rooms()) {
            for (const auto& occupant : view.occupants) {
                if (occupant.nick == nick) return occupant;
            }
        }
        return std::nullopt;
    }

    bool online = true;
    std::vector<std::string> sent;
    std::vector<std::pair<std::string, std::function<void(const Element*)>>> asked;
    std::vector<RoomEvent> events;
    Muc muc;
};

}  // namespace tubes::presence::xmpp::test
