// SPDX-License-Identifier: GPL-3.0-or-later
// The manual page and the shells' completions, made of the same option tables that parse the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tubes::cli {

/// One option, flag or argument of a command.
struct OptionReference {
    std::vector<std::string> names;  ///< With their dashes; empty for a positional argument.
    std::string value;               ///< What it takes, "NAME"; empty for a flag.
    std::string description;
    std::string environment;  ///< The variable that sets it too; often empty.
    bool positional = false;
    bool required = false;
};

/// One command; the first is `tube` itself with an empty name and the global options.
struct CommandReference {
    std::string name;
    std::string summary;
    std::string examples;  ///< The footer of its help.
    std::vector<OptionReference> options;
};

/// What the program's own tables say, in the order of --help.
std::vector<CommandReference> reference_of(const CLI::App& app);

/// The page tube(1), in roff.
std::string manual_page(const std::vector<CommandReference>& commands, std::string_view version);
std::string bash_completion(const std::vector<CommandReference>& commands);
std::string zsh_completion(const std::vector<CommandReference>& commands);
std::string fish_completion(const std::vector<CommandReference>& commands);

/// What the build asks for when it installs: "man", "bash", "zsh" or "fish"; empty for anything else.
std::optional<std::string> reference(const CLI::App& app, std::string_view kind, std::string_view version);

}  // namespace tubes::cli
