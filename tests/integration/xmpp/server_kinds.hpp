// SPDX-License-Identifier: GPL-3.0-or-later
// The servers that every XMPP test runs against: one parameter of the test, one way to start it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/server_fixture.hpp"

namespace tubes::presence::xmpp::test {

/// A test that runs against each kind of server: "prosody", "ejabberd".
class WithServer : public testing::TestWithParam<std::string> {
protected:
    /// A server with exactly these "user:password" accounts. `together`: who is on each other's roster, "alice,bob";
    /// empty: nobody; by default everybody. It announces TURN at 127.0.0.1 port 13478 (XEP-0215). ejabberd is slow to
    /// start: one process serves all tests, emptied between them.
    tubes::test::ServerFixture& start(const std::vector<std::string>& accounts,
                                      const std::optional<std::string>& together = std::nullopt);

private:
    std::unique_ptr<tubes::test::ServerFixture> own_;
};

/// Every kind of server.
const std::vector<std::string>& server_kinds();

/// Instantiates the tests of `suite`, a WithServer, for each kind.
#define TUBES_WITH_EVERY_SERVER(suite)                                           \
    INSTANTIATE_TEST_SUITE_P(Server, suite, ::testing::ValuesIn(server_kinds()), \
                             [](const auto& kind) { return kind.param; })

}  // namespace tubes::presence::xmpp::test
