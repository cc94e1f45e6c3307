// SPDX-License-Identifier: GPL-3.0-or-later
// What is counted, kept and sent again when a stream breaks (XEP-0198).
#include "presence/xmpp/stream_management.hpp"

#include <gtest/gtest.h>

#include "presence/xmpp/answered_requests.hpp"

namespace tubes::presence::xmpp {
namespace {

TEST(StreamManagement, KeepsEveryStanzaUntilItIsAcknowledged) {
    StreamManagement management;
    management.start("id");
    for (const char* stanza : {"<a/>", "<b/>", "<c/>"}) ASSERT_TRUE(management.on_sent(stanza));
    ASSERT_TRUE(management.on_acknowledged("2"));
    EXPECT_EQ(management.unacknowledged(), std::vector<std::string>{"<c/>"});
    ASSERT_TRUE(management.on_acknowledged("2"));
    ASSERT_TRUE(management.on_acknowledged("3"));
    EXPECT_TRUE(management.unacknowledged().empty());
}

TEST(StreamManagement, RefusesCountsBeyondWhatWasSent) {
    StreamManagement management;
    management.start("id");
    ASSERT_TRUE(management.on_sent("<a/>"));
    for (const char* h : {"2", "-1", "", "1x", "4294967295", "99999999999"}) {
        EXPECT_EQ(management.on_acknowledged(h).error(), Errc::protocol_violation) << h;
    }
    EXPECT_EQ(management.unacknowledged().size(), 1U);
}

TEST(StreamManagement, AsksOnceAtATime) {
    StreamManagement management;
    management.start("id");
    EXPECT_FALSE(management.should_ask());
    ASSERT_TRUE(management.on_sent("<a/>"));
    EXPECT_TRUE(management.should_ask());
    EXPECT_FALSE(management.should_ask());
    management.on_disconnected();
    EXPECT_TRUE(management.should_ask());
}

TEST(StreamManagement, TellsWhatItReceivedAndHandsOutOrphans) {
    StreamManagement management;
    management.start("it's");
    management.on_received();
    management.on_received();
    EXPECT_EQ(management.resumption()->xml(), "<resume xmlns='urn:xmpp:sm:3' h='2' previd='it&apos;s'/>");
    EXPECT_EQ(management.acknowledgement()->xml(), "<a xmlns='urn:xmpp:sm:3' h='2'/>");
    ASSERT_TRUE(management.on_sent("<a/>"));
    EXPECT_TRUE(management.can_resume());
    management.stop();
    EXPECT_FALSE(management.can_resume());
    EXPECT_EQ(management.take_orphans(), std::vector<std::string>{"<a/>"});
    EXPECT_TRUE(management.take_orphans().empty());
}

TEST(StreamManagement, DoesNotKeepWithoutEnd) {
    StreamManagement management;
    EXPECT_TRUE(management.on_sent(std::string(kMaxUnacknowledged + 1, 'x')));  // not active: nothing is kept
    management.start("");
    EXPECT_FALSE(management.can_resume());
    const std::string big(kMaxUnacknowledged / 2, 'x');
    EXPECT_TRUE(management.on_sent(big));
    EXPECT_TRUE(management.on_sent(big));
    EXPECT_EQ(management.on_sent("x").error(), Errc::limit_exceeded);
}

TEST(AnsweredRequests, GiveTheSameAnswerAgainAndForgetTheOldest) {
    using Seen = AnsweredRequests::Seen;
    AnsweredRequests requests;
    std::string answer;
    EXPECT_EQ(requests.note("a/1", "x", answer), Seen::first_time);
    EXPECT_EQ(requests.note("a/1", "x", answer), Seen::under_way);
    EXPECT_EQ(requests.note("a/2", "x", answer), Seen::first_time);
    requests.answer("a/1", "x", "<iq/>");
    EXPECT_EQ(requests.note("a/1", "x", answer), Seen::answered);
    EXPECT_EQ(answer, "<iq/>");
    for (std::size_t i = 0; i < kMaxAnswered; ++i) (void)requests.note("b/1", std::to_string(i), answer);
    EXPECT_EQ(requests.note("a/1", "x", answer), Seen::first_time);
    requests.answer("gone", "x", "<iq/>");
}

}  // namespace
}  // namespace tubes::presence::xmpp
