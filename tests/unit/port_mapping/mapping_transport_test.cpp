// SPDX-License-Identifier: GPL-3.0-or-later
// Tests of the candidates that port mapping adds to another transport's, and of how long it holds them.
#include "transports/port_mapping/mapping_transport.hpp"

#include <gtest/gtest.h>

#include "tests/unit/port_mapping/fake_router.hpp"

namespace tubes::transports {
namespace {

using core::ports::AttemptParameters;
using core::ports::Candidate;
using core::ports::PathAttempt;

/// A path that carries nothing.
class NoPath final : public core::ports::MessagePath {
public:
    void start(Handler&) override {}
    bool send(core::ports::Lane, core::ByteView, core::ByteView) override { return true; }
    void flush() override {}
    const core::Digest& channel_binding() const override { return binding_; }
    core::ports::PathInfo info() const override { return {}; }
    core::ports::PathMetrics metrics() const override { return {}; }
    void close() override {}

private:
    core::Digest binding_{};
};

/// An attempt that does what the test says.
class ScriptedAttempt final : public PathAttempt {
public:
    explicit ScriptedAttempt(Handler** handler) : handler_(handler) {}
    void start(Handler& handler) override { *handler_ = &handler; }
    void set_remote_description(const core::ports::TransportDescription&) override {}
    void add_remote_candidate(const Candidate&) override {}
    void remote_candidates_end() override {}
    void close() override {}

private:
    Handler** handler_;
};

class Scripted final : public core::ports::Transport {
public:
    explicit Scripted(PathAttempt::Handler** handler) : handler_(handler) {}
    PathKind kind() const override { return PathKind::direct_tls; }
    std::chrono::milliseconds head_start() const override { return {}; }
    std::unique_ptr<PathAttempt> make_attempt(AttemptParameters) override {
        return std::make_unique<ScriptedAttempt>(handler_);
    }

private:
    PathAttempt::Handler** handler_;
};

struct Told final : PathAttempt::Handler {
    void on_description(const core::ports::TransportDescription&) override {}
    void on_candidate(const Candidate& candidate) override { candidates.push_back(candidate); }
    void on_candidates_end() override { ended = true; }
    void on_path(std::unique_ptr<core::ports::MessagePath> opened) override { path = std::move(opened); }
    void on_failed(error_code) override { failed = true; }

    std::vector<Candidate> candidates;
    std::unique_ptr<core::ports::MessagePath> path;
    bool ended = false;
    bool failed = false;
};

// 127.0.0.1 is private, and it is what the router on loopback sees.
const Candidate kOwnTls{PathKind::direct_tls, {{"address", "127.0.0.1"}, {"port", "40000"}}};

class PortMappingTransport : public testing::Test {
protected:
    void open(AddressPolicy policy = AddressPolicy::all) {
        AttemptParameters parameters;
        parameters.addresses = policy;
        attempt = transport.make_attempt(parameters);
        attempt->start(told);
    }

    boost::asio::io_context context;
    FakeRouter router{context};
    PathAttempt::Handler* inner = nullptr;
    Told told;
    MappingTransport transport{
        std::make_shared<PortMapper>(context.get_executor(), [this] { return std::optional(router.endpoint()); }),
        std::make_unique<Scripted>(&inner)};
    std::unique_ptr<PathAttempt> attempt;
};

TEST_F(PortMappingTransport, NamesTheRoutersAddressAsWell) {
    open();
    inner->on_candidate(kOwnTls);
    inner->on_candidates_end();
    EXPECT_EQ(told.candidates, std::vector{kOwnTls});
    EXPECT_FALSE(told.ended) << "one more is to come";
    ASSERT_TRUE(router.until([&] { return told.ended; }));
    ASSERT_EQ(told.candidates.size(), 2u);
    EXPECT_EQ(told.candidates[1], (Candidate{PathKind::direct_tls, {{"address", "203.0.113.9"}, {"port", "20000"}}}));
}

TEST_F(PortMappingTransport, KeepsAPortAsLongAsThePathThatMayUseIt) {
    open();
    inner->on_candidate(kOwnTls);
    ASSERT_TRUE(router.until([&] { return told.candidates.size() == 2; }));
    inner->on_path(std::make_unique<NoPath>());
    attempt->close();
    attempt.reset();
    EXPECT_FALSE(router.until([&] { return router.lifetimes.empty(); }, std::chrono::milliseconds(300)));
    told.path.reset();
    EXPECT_TRUE(router.until([&] { return router.lifetimes.empty(); }));
}

TEST_F(PortMappingTransport, TakesPortsBackWhenAnAttemptFails) {
    open();
    inner->on_candidate(kOwnTls);
    ASSERT_TRUE(router.until([&] { return router.lifetimes.size() == 1; }));
    inner->on_failed(make_error_code(Errc::no_path));
    EXPECT_TRUE(told.failed);
    EXPECT_TRUE(router.until([&] { return router.lifetimes.empty(); }));
}

TEST_F(PortMappingTransport, EndsAsUsualWhereTheRouterIsSilent) {
    router.drop = 1000;
    open();
    inner->on_candidate(kOwnTls);
    inner->on_candidates_end();
    ASSERT_TRUE(router.until([&] { return told.ended; }));
    EXPECT_EQ(told.candidates, std::vector{kOwnTls});
}

TEST_F(PortMappingTransport, AsksNothingForPublicAddressesAndRelays) {
    open();
    inner->on_candidate({PathKind::direct_tls, {{"address", "203.0.113.7"}, {"port", "40000"}}});
    inner->on_candidate({PathKind::ice,
                         {{"component", "1"},
                          {"foundation", "1"},
                          {"ip", "127.0.0.1"},
                          {"port", "40000"},
                          {"priority", "1"},
                          {"protocol", "udp"},
                          {"type", "relay"}}});
    inner->on_candidates_end();
    EXPECT_TRUE(told.ended);
    EXPECT_EQ(router.mappings_asked, 0);
}

TEST_F(PortMappingTransport, AsksNothingWherePeersMayNotLearnAddresses) {
    open(AddressPolicy::public_only);
    inner->on_candidate(kOwnTls);
    inner->on_candidates_end();
    EXPECT_TRUE(told.ended);
}

}  // namespace
}  // namespace tubes::transports
