// SPDX-License-Identifier: GPL-3.0-or-later
// Log-ins against scripted servers, honest and other: what is sent, and what is refused.
#include "presence/xmpp/negotiation.hpp"

#include <gtest/gtest.h>

#include "presence/xmpp/xml_stream.hpp"
#include "tubes/base/bytes.hpp"

namespace tubes::presence::xmpp {
namespace {

class NegotiationTest : public testing::Test, protected Negotiation::Driver {
protected:
    void begin(NegotiationOptions options = {}) {
        options.account = *Jid::parse("alice@a.example");
        options.resource = "tube-1";
        Negotiation::Driver& driver = *this;
        negotiation = std::make_unique<Negotiation>(options, management, driver);
        negotiation->start();
    }
    void hear(const std::string& xml) {
        if (xml == "header") return negotiation->on_element(Element("stream"));
        const auto element = parse_stanza(xml);
        ASSERT_TRUE(element) << xml;
        negotiation->on_element(**element);
    }
    void hear_features(const std::string& inner) {
        hear("header");
        hear("<stream:features xmlns:stream='http://etherx.jabber.org/streams'>" + inner + "</stream:features>");
    }
    static std::string mechanisms(const std::string& names) {
        return "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + names + "</mechanisms>";
    }
    /// Up to <success/> by PLAIN.
    void authenticate() {
        NegotiationOptions options;
        options.secure = true;
        options.allow_plain = true;
        begin(options);
        hear_features(mechanisms("<mechanism>PLAIN</mechanism>"));
        negotiation->on_password("pw");
        hear("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    }
    std::string bind_answer(const std::string& jid) {
        return "<iq type='result' id='" + attribute(**parse_stanza(sent.back()), "id") +
               "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" + jid + "</jid></bind></iq>";
    }

    void restart_stream() override { ++streams; }
    void write(const Element& element) override { sent.push_back(element.xml()); }
    void start_tls() override { tls = true; }
    ChannelBinding channel_binding() override { return {}; }
    void ask_password() override { asked_password = true; }
    void on_negotiated(const NegotiationOutcome& result) override { outcome = result; }
    void on_negotiation_failed(Errc reason, const std::string& text) override {
        failure = reason;
        detail = text;
    }

    StreamManagement management;
    std::unique_ptr<Negotiation> negotiation;
    int streams = 0;
    std::vector<std::string> sent;
    bool tls = false;
    bool asked_password = false;
    std::optional<NegotiationOutcome> outcome;
    std::optional<Errc> failure;
    std::string detail;
};

TEST_F(NegotiationTest, SendsNothingSecretToAServerWithoutEncryption) {
    begin();
    hear_features(mechanisms("<mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism>"));
    EXPECT_EQ(failure, Errc::unsupported);
    EXPECT_FALSE(asked_password);
    EXPECT_TRUE(sent.empty());
}

TEST_F(NegotiationTest, EncryptsBeforeItAuthenticates) {
    begin();
    hear_features("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + mechanisms("<mechanism>PLAIN</mechanism>"));
    EXPECT_EQ(sent, std::vector<std::string>{"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"});
    hear("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    EXPECT_TRUE(tls);
    EXPECT_EQ(streams, 1);
    negotiation->on_secured();
    EXPECT_EQ(streams, 2);
    hear_features(mechanisms("<mechanism>SCRAM-SHA-256</mechanism>"));
    EXPECT_TRUE(asked_password);
}

TEST_F(NegotiationTest, NeverSendsThePasswordUnlessAllowed) {
    NegotiationOptions options;
    options.secure = true;
    begin(options);
    hear_features(mechanisms("<mechanism>PLAIN</mechanism>"));
    EXPECT_EQ(failure, Errc::authentication_failed);
    EXPECT_NE(detail.find("offered: PLAIN"), std::string::npos) << detail;
    EXPECT_TRUE(sent.empty());
}

TEST_F(NegotiationTest, UnmasksAServerThatDoesNotKnowThePassword) {
    NegotiationOptions options;
    options.secure = true;
    begin(options);
    hear_features(mechanisms("<mechanism>SCRAM-SHA-1</mechanism>"));
    negotiation->on_password("pencil");
    // Success at once, without any proof.
    hear("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    EXPECT_EQ(failure, Errc::authentication_failed);
    EXPECT_EQ(streams, 1);
    EXPECT_NE(detail.find("impostor"), std::string::npos);
}

TEST_F(NegotiationTest, ExplainsRefusals) {
    NegotiationOptions options;
    options.secure = true;
    begin(options);
    hear_features(mechanisms("<mechanism>SCRAM-SHA-1</mechanism>"));
    negotiation->on_password("pencil");
    hear("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><account-disabled/><text>Call us</text></failure>");
    EXPECT_EQ(failure, Errc::authentication_failed);
    EXPECT_EQ(detail, "the account is disabled: Call us");
}

TEST_F(NegotiationTest, BindsAndEnablesStreamManagement) {
    authenticate();
    EXPECT_EQ(sent[0], "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
                           base::to_base64(base::as_bytes(std::string("\0alice\0pw", 9))) + "</auth>");
    hear_features("<sm xmlns='urn:xmpp:sm:3'/>");
    hear(bind_answer("alice@a.example/other"));
    EXPECT_EQ(sent.back(), "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    hear("<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true'/>");
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->bound.full(), "alice@a.example/other");
    EXPECT_TRUE(management.can_resume());
}

TEST_F(NegotiationTest, RefusesToBecomeSomebodyElse) {
    for (const char* jid : {"mallory@a.example/x", "alice@a.example", "alice@evil.example/x", "", "@"}) {
        failure.reset();
        authenticate();
        hear_features("");
        hear(bind_answer(jid));
        EXPECT_EQ(failure, Errc::refused) << jid;
    }
}

TEST_F(NegotiationTest, ResumesAStreamOrBeginsAnewOne) {
    management.start("old");
    ASSERT_TRUE(management.on_sent("<message/>"));
    ASSERT_TRUE(management.on_sent("<presence/>"));
    authenticate();
    hear_features("<sm xmlns='urn:xmpp:sm:3'/>");
    EXPECT_EQ(sent.back(), "<resume xmlns='urn:xmpp:sm:3' h='0' previd='old'/>");
    hear("<resumed xmlns='urn:xmpp:sm:3' h='1' previd='old'/>");
    ASSERT_TRUE(outcome && outcome->resumed);
    EXPECT_EQ(management.unacknowledged(), std::vector<std::string>{"<presence/>"});

    outcome.reset();
    authenticate();
    hear_features("<sm xmlns='urn:xmpp:sm:3'/>");
    hear("<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
    hear(bind_answer("alice@a.example/1"));
    hear("<enabled xmlns='urn:xmpp:sm:3' id='new' resume='true'/>");
    ASSERT_TRUE(outcome && !outcome->resumed);
    EXPECT_EQ(management.take_orphans(), std::vector<std::string>{"<presence/>"});
}

}  // namespace
}  // namespace tubes::presence::xmpp
