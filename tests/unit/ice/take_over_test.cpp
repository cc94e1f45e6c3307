// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the socket that is taken over from libnice: two agents on loopback, and two bare sockets.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>

#include <unistd.h>

#include <array>
#include <cstring>

#include "transports/ice/ice_agent.hpp"
#include "tubes/base/bytes.hpp"

namespace tubes::transports {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::udp;
using core::Bytes;

template <class Condition>
bool run_until(boost::asio::io_context& loop, Condition condition, std::chrono::milliseconds limit = 20s) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
        if (loop.stopped()) loop.restart();
        loop.run_one_for(20ms);
    }
    return condition();
}

struct Side : IceAgent::Events, DatagramPath::Handler {
    boost::asio::io_context& loop;
    std::shared_ptr<IceAgent> agent;
    Side* peer = nullptr;
    bool selected = false;
    bool failed = false;
    std::vector<Bytes> received;

    Side(boost::asio::io_context& context, bool controlling) : loop(context) {
        agent = *IceAgent::create(context.get_executor(), controlling, *this);
        agent->set_handler(this);
    }
    ~Side() { agent->close(); }
    void on_ice_candidate(const IceCandidate& candidate) override { peer->agent->add_remote_candidate(candidate); }
    void on_ice_gathered() override { peer->agent->remote_candidates_end(); }
    void on_ice_selected(const IcePair&) override { selected = true; }
    void on_ice_failed() override { failed = true; }
    void on_datagram(core::ByteView datagram) override { received.emplace_back(datagram.begin(), datagram.end()); }
};

/// Sizes as DTLS makes them: runs of equal ones with others between.
std::vector<Bytes> datagrams() {
    std::vector<Bytes> made;
    for (std::size_t i = 0; i < 200; ++i)
        made.emplace_back(i % 30 == 29 ? 40 + i : 1200, static_cast<std::uint8_t>(64 + i % 64));
    return made;
}

struct Mode {
    bool first, second;
};

class TakeOver : public ::testing::TestWithParam<Mode> {
protected:
    void SetUp() override {
        one.peer = &two;
        two.peer = &one;
        one.agent->set_remote_credentials(two.agent->credentials());
        two.agent->set_remote_credentials(one.agent->credentials());
        begin(one, GetParam().first);
        begin(two, GetParam().second);
        ASSERT_TRUE(run_until(loop, [this] { return one.selected && two.selected; }));
    }
    ~TakeOver() override {
        one.agent->close();
        two.agent->close();
        run_until(
            loop, [] { return false; }, 20ms);
    }
    void begin(Side& side, bool batches) {
        IceAgentSettings settings;
        settings.rules.loopback = true;
        settings.local = {boost::asio::ip::make_address("127.0.0.1")};
        settings.batches = batches;
        settings.consent = consent;
        ASSERT_TRUE(side.agent->gather(settings));
    }
    void exchange() {
        for (auto* side : {&one, &two}) {
            for (const auto& datagram : datagrams()) side->agent->send(datagram);
        }
        const auto count = datagrams().size();
        ASSERT_TRUE(run_until(loop, [&] { return one.received.size() >= count && two.received.size() >= count; }));
        EXPECT_EQ(one.received, datagrams());
        EXPECT_EQ(two.received, datagrams());
        one.received.clear();
        two.received.clear();
    }

    void wait_until_taken_over() {
        ASSERT_TRUE(run_until(loop, [this] {
            return one.agent->is_batched() == GetParam().first && two.agent->is_batched() == GetParam().second;
        }));
    }

    boost::asio::io_context loop;
    Side one{loop, true};
    Side two{loop, false};
    ConsentTimes consent;
};

TEST_P(TakeOver, CarriesDatagramsBeforeAndAfterAndKeepsConsent) {
    exchange();
    wait_until_taken_over();
    exchange();
    ASSERT_TRUE(one.agent->selected());
    EXPECT_FALSE(one.agent->selected()->remote.empty());
    if (!GetParam().first || GetParam().second) return;
    // Longer than either end allows the other to be silent: what remains was consented to.
    EXPECT_FALSE(run_until(
        loop, [this] { return one.failed || two.failed; }, 12s));
    exchange();
}

INSTANTIATE_TEST_SUITE_P(Ends, TakeOver, ::testing::Values(Mode{true, true}, Mode{true, false}, Mode{false, true}),
                         [](const auto& each) {
                             return std::string(each.param.first ? "Own" : "Libnice") +
                                    (each.param.second ? "Own" : "Libnice");
                         });

class TakenOver : public TakeOver {
protected:
    TakenOver() { consent = {200ms, 100ms, 600ms}; }
};

TEST_P(TakenOver, APeerThatIsGoneIsLostConsent) {
    wait_until_taken_over();
    // While it is there, consent outlives its lifetime.
    EXPECT_FALSE(run_until(
        loop, [this] { return one.failed || two.failed; }, 1500ms));
    two.agent->close();
    EXPECT_TRUE(run_until(
        loop, [this] { return one.failed; }, 5s));
    one.agent->send(datagrams().front());  // Goes nowhere, and harms nobody.
    one.agent->flush();
}

INSTANTIATE_TEST_SUITE_P(BothEnds, TakenOver, ::testing::Values(Mode{true, true}));

struct Taken : TakenOverSocket::Events {
    std::size_t datagrams = 0;
    bool lost = false;
    void on_taken_datagram(core::ByteView) override { ++datagrams; }
    void on_taken_turn_over() override {}
    void on_taken_consent_lost() override { lost = true; }
};

TEST(TakenOverSocketTest, APeerThatDoesNotAnswerLosesConsentWhateverElseItSends) {
    boost::asio::io_context loop;
    const auto any = udp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0);
    udp::socket peer(loop, any);
    udp::socket ours(loop, any);
    ours.non_blocking(true);
    TakenPair pair;
    pair.peer_size = static_cast<socklen_t>(peer.local_endpoint().size());
    std::memcpy(&pair.peer, peer.local_endpoint().data(), pair.peer_size);
    const auto to = ours.local_endpoint();
    pair.socket = ours.release();
    ASSERT_TRUE(UdpBatch::prepare(pair.socket, pair.peer, pair.peer_size));
    Taken events;
    const auto taken = std::make_shared<TakenOverSocket>(
        loop.get_executor(), pair, IceCredentials{"ours", "password-of-our-own-side"},
        IceCredentials{"theirs", "password-of-the-other-side"}, events, ConsentTimes{100ms, 50ms, 300ms});
    taken->start();
    std::array<std::uint8_t, 2000> heard{};
    const auto answer = [&] {
        boost::system::error_code none;
        peer.non_blocking(true);
        if (peer.receive(boost::asio::buffer(heard), 0, none) == 0) return events.lost;
        heard[0] = 1;  // The request itself, turned into a success response without a key.
        peer.send_to(boost::asio::buffer(heard, 20), to);
        peer.send_to(boost::asio::buffer("data"), to);
        return events.lost;
    };
    EXPECT_TRUE(run_until(loop, answer, 5s));
    EXPECT_GT(events.datagrams, 0U);
}

TEST(UdpBatchTest, ASocketWithoutOffloadIsNotPrepared) {
    const auto other = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    EXPECT_FALSE(UdpBatch::prepare(other, {}, 0));
    ::close(other);
}

}  // namespace
}  // namespace tubes::transports
