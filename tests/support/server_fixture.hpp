// SPDX-License-Identifier: GPL-3.0-or-later
// Real servers for integration tests: starts a fixture script (prosody.py, coturn.py) and ends it with the object.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tubes::test {

/// A fixture script and the server it supervises. Not thread-safe; every call blocks. Failures throw
/// std::runtime_error with the script's own words, so that a test fails with the reason.
class ServerFixture {
public:
    /// Starts tests/support/<script> with `arguments` and waits until its server accepts connections.
    ServerFixture(const std::string& script, const std::vector<std::string>& arguments);

    /// Ends the server and deletes its directory; waits for both (milliseconds).
    ~ServerFixture();

    ServerFixture(const ServerFixture&) = delete;
    ServerFixture& operator=(const ServerFixture&) = delete;

    /// The script's JSON line: address, ports, ca, accounts, secret, log, ... (see the script's description()).
    const nlohmann::json& description() const { return description_; }

    /// A listening port by its name: "c2s", "direct_tls", "http", "proxy65", "component"; "turn", "tls", "alternate".
    std::uint16_t port(std::string_view name) const;

    /// The first address it listens on.
    std::string address() const { return description_.at("address").get<std::string>(); }

    /// PEM file of the authority that signed the server's certificate.
    std::string certificate_authority() const { return description_.at("ca").get<std::string>(); }

    /// Sends one command ("kill", "start", "restart", "pause", "resume", "register user:password", "log") and
    /// returns its answer; throws when the script says it failed or does not answer in time.
    nlohmann::json command(const std::string& line);

private:
    nlohmann::json read_answer(std::chrono::seconds limit);
    void end() noexcept;

    std::string script_;
    pid_t pid_ = -1;
    int to_script_ = -1;
    int from_script_ = -1;
    std::string buffer_;
    nlohmann::json description_;
};

/// Prosody with these "user:password" accounts, which see each other; `more` are further options of prosody.py.
ServerFixture start_prosody(const std::vector<std::string>& accounts, const std::vector<std::string>& more = {});

/// coturn on 127.0.0.1; `more` are further options of coturn.py.
ServerFixture start_coturn(const std::vector<std::string>& more = {});

}  // namespace tubes::test
