// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the option tables of CLI11 and writes the completions.
#include "tubes/cli/reference.hpp"

#include <fmt/format.h>

namespace tubes::cli {
namespace {

OptionReference describe(const CLI::Option& option) {
    OptionReference out;
    for (const auto& name : option.get_snames()) out.names.push_back("-" + name);
    for (const auto& name : option.get_lnames()) out.names.push_back("--" + name);
    out.positional = out.names.empty();
    out.required = option.get_required();
    out.description = option.get_description();
    out.environment = option.get_envname();
    const bool is_flag = option.get_expected_max() == 0;
    if (out.positional) out.value = option.get_name(true);
    if (!out.positional && !is_flag) out.value = option.get_type_name();
    return out;
}

void add_options(const CLI::App& app, std::vector<OptionReference>& options) {
    for (const auto* option : app.get_options()) {
        // Every command has --help; it is told once, with the global options.
        if (app.get_parent() == nullptr || option != app.get_help_ptr()) options.push_back(describe(*option));
    }
    for (const auto* group : app.get_subcommands([](const CLI::App* sub) { return sub->get_name().empty(); })) {
        add_options(*group, options);
    }
}

CommandReference describe(const CLI::App& app, const std::string& name) {
    CommandReference out{name, app.get_description(), app.get_footer(), {}};
    add_options(app, out.options);
    return out;
}

/// A text inside single quotes of a shell.
std::string single_quoted(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out;
}

/// A text inside brackets of zsh's _arguments.
std::string bracketed(std::string_view text) {
    std::string out;
    for (const char c : single_quoted(text)) {
        if (c == '[' || c == ']' || c == ':') out += '\\';
        out += c;
    }
    return out;
}

std::string option_words(const CommandReference& command) {
    std::vector<std::string> words;
    for (const auto& option : command.options) words.insert(words.end(), option.names.begin(), option.names.end());
    return fmt::format("{}", fmt::join(words, " "));
}

bool is_path(const OptionReference& option) {
    return option.value == "PATH" || option.value == "FILE" || option.value == "DIR";
}

}  // namespace

std::vector<CommandReference> reference_of(const CLI::App& app) {
    std::vector<CommandReference> out{describe(app, "")};
    for (const auto* command : app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); })) {
        out.push_back(describe(*command, command->get_name()));
    }
    return out;
}

std::string bash_completion(const std::vector<CommandReference>& commands) {
    std::vector<std::string> names;
    std::string cases;
    for (const auto& command : commands) {
        if (command.name.empty()) continue;
        names.push_back(command.name);
        cases += fmt::format("        {}) words='{}' ;;\n", command.name, option_words(command));
    }
    std::string paths;
    for (const auto& command : commands) {
        for (const auto& option : command.options) {
            for (const auto& name : option.names) {
                if (is_path(option)) paths += (paths.empty() ? "" : "|") + name;
            }
        }
    }
    const std::string head = "# bash completion for tube; made by the build from the program's own options.\n";
    return head + fmt::format(R"(_tube() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command= words word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in {}) command=$word; break ;; esac
    done
    case "$previous" in {}) COMPREPLY=($(compgen -f -- "$current")); return ;; esac
    case "$command" in
{}        *) words='{}' ;;
    esac
    COMPREPLY=($(compgen -W "$words {}" -- "$current"))
}}
complete -F _tube tube
)",
                              fmt::join(names, "|"), paths.empty() ? "''" : paths, cases, fmt::join(names, " "),
                              option_words(commands.front()));
}

std::string zsh_completion(const std::vector<CommandReference>& commands) {
    std::string out = "#compdef tube\n# zsh completion for tube; made by the build from the program's own options.\n";
    const auto arguments = [](const CommandReference& command) {
        std::string text;
        for (const auto& option : command.options) {
            for (const auto& name : option.names) {
                text += fmt::format(
                    " \\\n        '{}[{}]{}'", name, bracketed(option.description),
                    option.value.empty() ? "" : ":" + bracketed(option.value) + (is_path(option) ? ":_files" : ":"));
            }
        }
        return text;
    };
    out += "_tube() {\n    local context state line\n    local -a commands\n    commands=(\n";
    for (const auto& command : commands) {
        if (!command.name.empty())
            out += fmt::format("        '{}:{}'\n", command.name, single_quoted(command.summary));
    }
    out += "    )\n    _arguments -C" + arguments(commands.front()) +
           " \\\n        '1:command:->command' '*::argument:->argument'\n";
    out += "    case $state in\n    command) _describe command commands ;;\n    argument)\n        case $words[1] in\n";
    for (const auto& command : commands) {
        if (!command.name.empty())
            out += fmt::format("        {}) _arguments{} ;;\n", command.name, arguments(command));
    }
    return out + "        esac ;;\n    esac\n}\n_tube \"$@\"\n";
}

std::string fish_completion(const std::vector<CommandReference>& commands) {
    std::string out = "# fish completion for tube; made by the build from the program's own options.\n";
    for (const auto& command : commands) {
        const auto condition =
            command.name.empty() ? std::string("__fish_use_subcommand") : "__fish_seen_subcommand_from " + command.name;
        if (!command.name.empty()) {
            out += fmt::format("complete -c tube -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                               single_quoted(command.summary));
        }
        for (const auto& option : command.options) {
            if (option.positional) continue;
            out += command.name.empty() ? std::string("complete -c tube")
                                        : fmt::format("complete -c tube -n '{}'", condition);
            for (const auto& name : option.names) {
                out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            }
            if (!option.value.empty()) out += is_path(option) ? " -r -F" : " -x";
            out += fmt::format(" -d '{}'\n", single_quoted(option.description));
        }
    }
    return out;
}

std::optional<std::string> reference(const CLI::App& app, std::string_view kind, std::string_view version) {
    const auto commands = reference_of(app);
    if (kind == "man") return manual_page(commands, version);
    if (kind == "bash") return bash_completion(commands);
    if (kind == "zsh") return zsh_completion(commands);
    if (kind == "fish") return fish_completion(commands);
    return std::nullopt;
}

}  // namespace tubes::cli
