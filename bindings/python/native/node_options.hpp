// SPDX-License-Identifier: GPL-3.0-or-later
// tubes/options.hpp: how a node is opened, as Python hands it over (the other options are plain arguments in node.cpp).
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "tubes/options.hpp"

namespace tubes::python {

/// (profile, home, use_local, use_configured_accounts, settings, resource), the order of NodeOptions.
using PythonNodeOptions =
    std::tuple<std::string, std::string, bool, bool, std::map<std::string, std::string>, std::string>;

inline NodeOptions to_options(const PythonNodeOptions& given) {
    NodeOptions options;
    std::string home;
    std::tie(options.profile, home, options.use_local, options.use_configured_accounts, options.settings,
             options.resource) = given;
    options.home = home;
    return options;
}

}  // namespace tubes::python
