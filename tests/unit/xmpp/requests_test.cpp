// SPDX-License-Identifier: GPL-3.0-or-later
// Questions and their answers: only from the one who was asked, once, and across broken streams.
#include "presence/xmpp/requests.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "presence/xmpp/xml_stream.hpp"

namespace tubes::presence::xmpp {
namespace {

class RequestsTest : public testing::Test {
protected:
    RequestsTest() {
        requests.set_self(*Jid::parse("alice@a.example/1"));
        requests.on_stream(false);
    }
    void ask(const std::string& to, Requests::OnLoss on_loss = Requests::OnLoss::repeat,
             std::chrono::milliseconds deadline = std::chrono::seconds(30)) {
        auto iq = make_stanza("iq", "get", to, "");
        add_element(*iq, "q", "x");
        requests.ask(std::move(iq), {deadline, on_loss}, [this](const result<const Element*>& answer) {
            outcomes.push_back(answer ? (*answer ? attribute(**answer, "type") : "told") : answer.error().message());
        });
    }
    bool answer(const std::string& from, const std::string& id, const std::string& type = "result") {
        const std::string sender = from.empty() ? "" : " from='" + from + "'";
        return requests.on_answer(**parse_stanza("<iq type='" + type + "' id='" + id + "'" + sender + "/>"));
    }
    std::string id_of(std::size_t index) { return attribute(**parse_stanza(sent.at(index)), "id"); }

    boost::asio::io_context loop;
    std::vector<std::string> sent;
    std::vector<std::string> outcomes;
    Requests requests{loop.get_executor(), [this](const std::string& stanza) { sent.push_back(stanza); }};
};

TEST_F(RequestsTest, AreAnsweredOnlyByTheOneAsked) {
    ask("bob@b.example/1");
    for (const char* from : {"", "mallory@b.example/1", "bob@b.example", "bob@b.example/2", "b.example",
                             "alice@a.example", "bob@b.example/1@"}) {
        EXPECT_FALSE(answer(from, id_of(0))) << from;
    }
    EXPECT_FALSE(answer("bob@b.example/1", "guess"));
    EXPECT_TRUE(answer("BOB@b.example/1", id_of(0)));
    EXPECT_EQ(outcomes, std::vector<std::string>{"result"});
    EXPECT_FALSE(answer("bob@b.example/1", id_of(0)));  // only once
}

TEST_F(RequestsTest, ToTheOwnAccountAreAnsweredByItselfInAnySpelling) {
    for (const char* from : {"", "alice@a.example", "alice@a.example/1"}) {
        ask("");
        EXPECT_TRUE(answer(from, id_of(sent.size() - 1))) << from;
    }
    ask("");
    EXPECT_FALSE(answer("alice@a.example/2", id_of(3)));
    EXPECT_FALSE(answer("a.example", id_of(3)));
}

TEST_F(RequestsTest, HaveIdsThatCannotBeGuessed) {
    ask("bob@b.example/1");
    ask("bob@b.example/1");
    EXPECT_EQ(id_of(0).size(), 32U);
    EXPECT_NE(id_of(0).substr(0, 16), id_of(1).substr(0, 16));
}

TEST_F(RequestsTest, EndAtTheirDeadline) {
    ask("bob@b.example/1", Requests::OnLoss::repeat, std::chrono::milliseconds(5));
    loop.run();
    EXPECT_EQ(outcomes, std::vector<std::string>{make_error_code(Errc::timed_out).message()});
    EXPECT_FALSE(answer("bob@b.example/1", id_of(0)));
}

TEST_F(RequestsTest, WaitWhileTheStreamIsLostAndAreSentAgainOnANewOne) {
    ask("bob@b.example/1");
    ask("bob@b.example/1", Requests::OnLoss::fail);
    requests.on_stream_lost();
    ask("bob@b.example/2");
    ask("bob@b.example/2", Requests::OnLoss::fail);
    ASSERT_EQ(sent.size(), 2U);
    loop.poll();
    EXPECT_EQ(outcomes, std::vector<std::string>{make_error_code(Errc::not_connected).message()});
    requests.on_stream(false);
    ASSERT_EQ(sent.size(), 4U);
    EXPECT_EQ(sent[2], sent[0]);  // the same id, so that the receiver can tell
    EXPECT_EQ(outcomes.size(), 2U);
    EXPECT_TRUE(answer("bob@b.example/1", id_of(0)));
    EXPECT_TRUE(answer("bob@b.example/2", id_of(3)));
}

TEST_F(RequestsTest, AreNotSentTwiceOnAResumedStream) {
    ask("bob@b.example/1");
    requests.on_stream_lost();
    ask("bob@b.example/2");
    requests.on_stream(true);
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_TRUE(answer("bob@b.example/1", id_of(0)));
}

TEST_F(RequestsTest, EndTogetherAndAreBounded) {
    for (std::size_t i = 0; i < kMaxRequests + 1; ++i) ask("bob@b.example/1");
    loop.poll();
    EXPECT_EQ(outcomes, std::vector<std::string>{make_error_code(Errc::limit_exceeded).message()});
    requests.fail_all(make_error_code(Errc::not_connected));
    EXPECT_EQ(outcomes.size(), kMaxRequests + 1);
}

TEST_F(RequestsTest, MessagesAreCompleteOnceTheyAreSent) {
    requests.on_stream_lost();
    int told = 0;
    requests.tell(make_stanza("message", "", "bob@b.example", ""), std::chrono::seconds(1),
                  [&](const auto& sent_now) { told += sent_now ? 1 : 0; });
    loop.poll();
    EXPECT_EQ(told, 0);
    requests.on_stream(false);
    EXPECT_EQ(told, 0);
    loop.restart();
    loop.poll();
    EXPECT_EQ(told, 1);
    EXPECT_EQ(sent.size(), 1U);
}

}  // namespace
}  // namespace tubes::presence::xmpp
