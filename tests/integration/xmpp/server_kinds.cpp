// SPDX-License-Identifier: GPL-3.0-or-later
// Prosody anew for each test, one ejabberd for all.
#include "tests/integration/xmpp/server_kinds.hpp"

#include <stdexcept>

namespace tubes::presence::xmpp::test {

using tubes::test::ServerFixture;

namespace {

/// Ends the shared server with the test program.
class SharedEjabberd final : public testing::Environment {
public:
    ServerFixture& get() {
        if (server_) {
            try {
                server_->command("reset");
                return *server_;
            } catch (const std::runtime_error&) {  // a test failed and left it dead
                server_.reset();
            }
        }
        server_ = std::make_unique<ServerFixture>("ejabberd.py", std::vector<std::string>{"--no-groups"});
        return *server_;
    }
    void TearDown() override { server_.reset(); }

private:
    std::unique_ptr<ServerFixture> server_;
};

SharedEjabberd& shared_ejabberd() {
    // googletest owns it.
    static auto* environment = static_cast<SharedEjabberd*>(testing::AddGlobalTestEnvironment(new SharedEjabberd));
    return *environment;
}

std::string names_of(const std::vector<std::string>& accounts) {
    std::string names;
    for (const auto& account : accounts) names += account.substr(0, account.find(':')) + ",";
    return names;
}

}  // namespace

ServerFixture& WithServer::start(const std::vector<std::string>& accounts, const std::optional<std::string>& together) {
    if (GetParam() == "ejabberd") {
        auto& server = shared_ejabberd().get();
        for (const auto& account : accounts) server.command("register " + account);
        const std::string members = together ? *together : names_of(accounts);
        if (!members.empty()) server.command("group " + members);
        return server;
    }
    std::vector<std::string> options = {"--turn", "127.0.0.1:13478", "--turn-secret", "secret"};
    if (together && together->empty()) options.emplace_back("--no-groups");
    if (together && !together->empty()) options.insert(options.end(), {"--group", "Friends=" + *together});
    own_ = std::make_unique<ServerFixture>("prosody.py", [&] {
        for (const auto& account : accounts) options.insert(options.end(), {"--account", account});
        return options;
    }());
    return *own_;
}

const std::vector<std::string>& server_kinds() {
    static const std::vector<std::string> kinds = {"prosody", "ejabberd"};
    return kinds;
}

// Registered before main() runs the tests, since googletest asks for environments then.
const SharedEjabberd& registered = shared_ejabberd();

}  // namespace tubes::presence::xmpp::test
