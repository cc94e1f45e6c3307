// SPDX-License-Identifier: GPL-3.0-or-later
// `tube config`: every setting and where it comes from.
#include "tubes/config.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tubes/cli/commands.hpp"
#include "tubes/cli/output.hpp"

namespace tubes::cli {
namespace {

namespace asio = boost::asio;

struct ConfigArguments {};

asio::awaitable<int> run_config(Session& session, ConfigArguments) {
    const auto values = effective_config(session.node_options(true));
    if (!values) co_return session.fail("cannot read the configuration", values.error());
    if (session.options().json) {
        auto list = nlohmann::json::array();
        for (const auto& each : *values) {
            list.push_back({{"name", each.name},
                            {"value", each.value},
                            {"source", each.source},
                            {"origin", each.origin},
                            {"environment", each.environment},
                            {"description", each.description}});
        }
        print_json(list);
        co_return kSuccess;
    }
    Table table({"SETTING", "VALUE", "FROM"});
    for (const auto& each : *values) {
        table.add({safe(each.name), safe(each.value), safe(each.origin.empty() ? each.source : each.origin)});
    }
    table.print(stdout);
    co_return kSuccess;
}

}  // namespace

void add_config_command(CLI::App& app, Action& selected) {
    make_command<ConfigArguments>(app, selected, "config", "Every setting and where it comes from", run_config);
}

}  // namespace tubes::cli
