// SPDX-License-Identifier: GPL-3.0-or-later
// What every transport has to do, whatever it runs over. The transports under test: attempts.cpp.
#include <gtest/gtest.h>

#include "tests/contract/attempts.hpp"
#include "tests/contract/path_pairs.hpp"

namespace tubes::contract {
namespace {

using core::ports::Lane;

/// Keeps the last message and the end of a path.
class LastMessage : public core::ports::MessagePath::Handler {
public:
    void on_message(Lane, base::ByteView message) override { text = std::string(base::as_text(message)); }
    void on_writable() override {}
    void on_closed(error_code) override { closed = true; }
    std::string text;
    bool closed = false;
};

class TransportContract : public testing::TestWithParam<TransportKind> {
protected:
    /// Lets everything that is due happen.
    void settle(std::chrono::milliseconds time = std::chrono::milliseconds(30)) {
        const auto end = std::chrono::steady_clock::now() + time;
        run_until(exchange.loop, [&] { return std::chrono::steady_clock::now() >= end; });
    }
    bool failed() const { return !exchange.initiator.failures.empty() && !exchange.responder.failures.empty(); }

    Exchange exchange{GetParam()};
};

TEST_P(TransportContract, ReachesAPathThatCarriesMessagesBothWays) {
    ASSERT_TRUE(exchange.make());
    exchange.start();
    ASSERT_TRUE(exchange.reach());
    EXPECT_EQ(exchange.initiator.path->channel_binding(), exchange.responder.path->channel_binding());
    EXPECT_EQ(exchange.initiator.path->info().kind, exchange.initiating->kind());
    EXPECT_FALSE(exchange.initiator.path->info().detail.empty());
    LastMessage first;
    LastMessage second;
    exchange.initiator.path->start(first);
    exchange.responder.path->start(second);
    ASSERT_TRUE(exchange.initiator.path->send(0, base::as_bytes("to "), base::as_bytes("responder")));
    ASSERT_TRUE(exchange.responder.path->send(0, base::as_bytes("to "), base::as_bytes("initiator")));
    EXPECT_TRUE(run_until(exchange.loop, [&] { return !first.text.empty() && !second.text.empty(); }));
    EXPECT_EQ(first.text, "to initiator");
    EXPECT_EQ(second.text, "to responder");
}

TEST_P(TransportContract, SaysItsDescriptionFirstAndOnceAndTheEndLast) {
    ASSERT_TRUE(exchange.make());
    int descriptions = 0;
    exchange.initiator.send_description = [&](const auto& description) {
        ++descriptions;
        EXPECT_EQ(description.kind, exchange.initiating->kind());
        EXPECT_TRUE(exchange.initiator.candidates.empty());
        EXPECT_FALSE(exchange.initiator.candidates_ended);
    };
    exchange.initiator.send_candidate = [&](const auto& candidate) {
        EXPECT_EQ(descriptions, 1);
        EXPECT_EQ(candidate.kind, exchange.initiating->kind());
        EXPECT_FALSE(exchange.initiator.candidates_ended);
    };
    exchange.initiator.send_end = nullptr;
    exchange.initiator.attempt->start(exchange.initiator);
    EXPECT_EQ(descriptions, 0) << "told inside the call";
    ASSERT_TRUE(run_until(exchange.loop, [&] { return exchange.initiator.candidates_ended; }));
    EXPECT_EQ(descriptions, 1);
}

TEST_P(TransportContract, KeepsWhatSignalingFits) {
    ASSERT_TRUE(exchange.make());
    exchange.start();
    ASSERT_TRUE(exchange.reach());
    auto all = exchange.initiator.candidates;
    all.push_back({exchange.initiating->kind(), exchange.initiator.description->attributes});
    for (const auto& candidate : all) {
        EXPECT_LE(candidate.attributes.size(), 16U);
        for (const auto& [name, value] : candidate.attributes) {
            EXPECT_LE(name.size(), 32U);
            EXPECT_LE(value.size(), 1024U);
        }
    }
}

TEST_P(TransportContract, ReachesAPathWhenItsPeerStartsLate) {
    ASSERT_TRUE(exchange.make());
    exchange.initiator.attempt->start(exchange.initiator);
    settle();
    exchange.responder.attempt->start(exchange.responder);
    EXPECT_TRUE(exchange.reach());
}

TEST_P(TransportContract, HandsItsPathsOverForGood) {
    ASSERT_TRUE(exchange.make());
    exchange.start();
    ASSERT_TRUE(exchange.reach());
    exchange.initiator.attempt.reset();
    exchange.responder.attempt.reset();
    LastMessage second;
    exchange.responder.path->start(second);
    ASSERT_TRUE(exchange.initiator.path->send(0, {}, base::as_bytes("still here")));
    EXPECT_TRUE(run_until(exchange.loop, [&] { return second.text == "still here"; }));
}

TEST_P(TransportContract, SurvivesItsDestructionWhenAPathOpens) {
    ASSERT_TRUE(exchange.make());
    for (auto* side : {&exchange.initiator, &exchange.responder}) {
        side->on_opened = [side] { side->attempt.reset(); };
    }
    exchange.start();
    EXPECT_TRUE(exchange.reach());
}

TEST_P(TransportContract, SurvivesItsDestructionAtAnyStep) {
    for (int steps = 0; steps < 40; ++steps) {
        Exchange other(GetParam());
        ASSERT_TRUE(other.make());
        other.start();
        for (int step = 0; step < steps; ++step) other.loop.poll_one();
        other.initiator.attempt.reset();
        other.loop.restart();
        other.loop.poll();
        EXPECT_TRUE(other.initiator.failures.empty());
    }
}

TEST_P(TransportContract, TellsNothingAfterItsClose) {
    ASSERT_TRUE(exchange.make());
    exchange.start();
    exchange.initiator.attempt->close();
    exchange.initiator.attempt->close();
    settle();
    EXPECT_FALSE(exchange.initiator.description);
    EXPECT_EQ(exchange.initiator.paths, 0);
    EXPECT_TRUE(exchange.initiator.failures.empty());
}

TEST_P(TransportContract, FailsOnceWhenItsPeerNeverAnswers) {
    ASSERT_TRUE(exchange.make());
    exchange.responder.attempt->start(exchange.responder);
    ASSERT_TRUE(run_until(exchange.loop, [&] { return exchange.responder.description.has_value(); }));
    exchange.initiator.attempt->start(exchange.initiator);
    exchange.responder.attempt->close();
    ASSERT_TRUE(run_until(exchange.loop, [&] { return !exchange.initiator.failures.empty(); }));
    settle();
    EXPECT_EQ(exchange.initiator.failures.size(), 1U);
    EXPECT_EQ(exchange.initiator.paths, 0);
}

TEST_P(TransportContract, FailsOnAMalformedDescription) {
    ASSERT_TRUE(exchange.make());
    exchange.initiator.attempt->start(exchange.initiator);
    exchange.initiator.attempt->set_remote_description({exchange.initiating->kind(), {{"nonsense", "1"}}});
    EXPECT_TRUE(exchange.initiator.failures.empty()) << "told inside the call";
    ASSERT_TRUE(run_until(exchange.loop, [&] { return !exchange.initiator.failures.empty(); }));
    EXPECT_EQ(exchange.initiator.failures.size(), 1U);
}

TEST_P(TransportContract, OpensNothingLastingToACertificateOtherThanTheDescribed) {
    if (GetParam().fingerprint_attribute.empty()) return;  // This transport proves its peer otherwise.
    for (const bool wrong_initiator : {true, false}) {
        Exchange other(GetParam());
        ASSERT_TRUE(other.make());
        auto& liar = wrong_initiator ? other.initiator : other.responder;
        auto& victim = wrong_initiator ? other.responder : other.initiator;
        liar.send_description = [&](core::ports::TransportDescription description) {
            auto& fingerprint = description.attributes[GetParam().fingerprint_attribute];
            fingerprint.back() = fingerprint.back() == '0' ? '1' : '0';
            boost::asio::post(other.loop, [&, description] { victim.attempt->set_remote_description(description); });
        };
        other.start();
        ASSERT_TRUE(run_until(other.loop, [&] { return !victim.failures.empty(); }));
        EXPECT_EQ(victim.paths, 0) << "the end that was told another certificate accepted it";
        if (!liar.path) continue;
        LastMessage end;
        liar.path->start(end);
        EXPECT_TRUE(run_until(other.loop, [&] { return end.closed; }));
    }
}

TEST_P(TransportContract, IgnoresCandidatesThatNobodyMayContact) {
    ASSERT_TRUE(exchange.make());
    const auto send = exchange.responder.send_candidate;
    exchange.responder.send_candidate = [&](const core::ports::Candidate& candidate) {
        for (const auto* address : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1", "::ffff:127.0.0.1",
                                    "fe80::1%lo", "localhost", ""}) {
            auto bad = candidate;
            bad.attributes["address"] = address;
            send(bad);
        }
        for (const auto* port : {"0", "65536", "-1", "80x", ""}) {
            auto bad = candidate;
            bad.attributes["port"] = port;
            send(bad);
        }
        send({candidate.kind, {}});
        send(candidate);
    };
    exchange.start();
    EXPECT_TRUE(exchange.reach());
}

INSTANTIATE_TEST_SUITE_P(Transports, TransportContract, testing::ValuesIn(transport_kinds()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace tubes::contract
