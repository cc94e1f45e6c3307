// SPDX-License-Identifier: GPL-3.0-or-later
// The fixtures themselves: servers answer, obey commands and leave nothing behind.
#include "tests/support/server_fixture.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

namespace tubes::test {
namespace {

bool accepts(const std::string& address, std::uint16_t port) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &where.sin_addr);
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool accepted = ::connect(descriptor, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
    ::close(descriptor);
    return accepted;
}

TEST(ServerFixture, ProsodyServesItsAccountsUntilTheFixtureEnds) {
    std::string directory;
    pid_t server = 0;
    {
        auto prosody = start_prosody({"alice:secret", "bob:secret"}, {"--domain", "example.test"});
        directory = prosody.description().at("directory").get<std::string>();
        server = prosody.description().at("pid").get<pid_t>();
        EXPECT_EQ(prosody.description().at("accounts").at(1).at("jid"), "bob@example.test");
        EXPECT_TRUE(accepts(prosody.address(), prosody.port("c2s")));
        EXPECT_TRUE(std::filesystem::exists(prosody.certificate_authority()));
    }
    EXPECT_FALSE(std::filesystem::exists(directory));
    EXPECT_EQ(::kill(server, 0), -1);
}

TEST(ServerFixture, CoturnIsKilledAndComesBackOnTheSamePort) {
    auto coturn = start_coturn();
    const auto port = coturn.port("turn");
    EXPECT_TRUE(accepts(coturn.address(), port));
    coturn.command("kill");
    EXPECT_FALSE(accepts(coturn.address(), port));
    coturn.command("start");
    EXPECT_TRUE(accepts(coturn.address(), port));
    EXPECT_THROW(coturn.command("dance"), std::runtime_error);
    EXPECT_FALSE(coturn.command("credentials alice 60").at("password").get<std::string>().empty());
}

TEST(ServerFixture, SaysWhyAServerCouldNotStart) {
    auto first = start_coturn();
    try {
        auto second = start_prosody({"alice:secret"},
                                    {"--c2s-port", std::to_string(first.port("turn")), "--account", "no-password"});
        FAIL() << "an account without a password was accepted";
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find("USER:PASSWORD"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace tubes::test
