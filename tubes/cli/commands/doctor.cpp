// SPDX-License-Identifier: GPL-3.0-or-later
// `tube doctor`: what stands in the way of connections.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

struct DoctorArguments {};

asio::awaitable<int> run_doctor(Session& session, DoctorArguments) {
    if (!session.open(true)) co_return session.exit_code();
    const auto accounts = co_await session.accounts_ready();
    auto [error, findings] = co_await session.node().async_diagnose(kTuple);
    if (error) co_return session.fail("cannot examine this machine", error);
    bool healthy = true;
    auto list = nlohmann::json::array();
    static constexpr const char* kMarks[] = {"ok  ", "note", "BAD "};
    static constexpr const char* kNames[] = {"fine", "note", "problem"};
    for (const auto& finding : findings) {
        healthy = healthy && finding.severity != Finding::Severity::problem;
        list.push_back({{"topic", finding.topic},
                        {"severity", kNames[static_cast<int>(finding.severity)]},
                        {"text", finding.text},
                        {"advice", finding.advice}});
        if (session.options().json) continue;
        fmt::print("{}  {}: {}\n", kMarks[static_cast<int>(finding.severity)], safe(finding.topic), safe(finding.text));
        if (!finding.advice.empty()) fmt::print("      {}\n", safe(finding.advice));
    }
    if (session.options().json) print_json(list);
    co_return healthy ? kSuccess : kFailure;
}

}  // namespace

void add_doctor_command(CLI::App& app, Action& selected) {
    make_command<DoctorArguments>(app, selected, "doctor", "What stands in the way of connections", run_doctor);
}

}  // namespace tubes::cli
