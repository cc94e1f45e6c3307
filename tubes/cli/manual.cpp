// SPDX-License-Identifier: GPL-3.0-or-later
// Writes the page tube(1). Spec: man(7).
#include <fmt/format.h>

#include "tubes/cli/reference.hpp"

namespace tubes::cli {
namespace {

constexpr std::string_view kDescription = R"(.B tube
connects a program of this machine to a program of another person.
You name a person by their XMPP address, or nobody for your own programs on this machine; tube finds their devices,
the best path through the NATs between, encrypts it end to end, keeps it while the network changes, and gives each
program an ordinary socket.
.PP
No network address leaves this machine before you, or a policy you set, have accepted. Nothing contacts a host that you
or your server did not name.
)";

constexpr std::string_view kFiles = R"(.SH FILES
.TP
.I ~/.config/tubes/config.toml
Accounts, services and settings;
.B tube config
shows each value and where it comes from: flag, environment, file or default.
.TP
.I ~/.local/state/tubes
The identity key of this device, pinned keys, policies. Passwords lie in a file that only
you can read.
.SH SEE ALSO
.BR ssh (1),
.BR curl (1)
)";

/// Text as roff shows it: no line begins with a control character, no backslash acts, dashes are dashes.
std::string roff(std::string_view text) {
    std::string out;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else {
            out += c;
        }
        line_begins = c == '\n';
    }
    return out;
}

std::string option_entry(const OptionReference& option) {
    std::string out = ".TP\n";
    if (option.positional) {
        out += fmt::format("\\fI{}\\fR", roff(option.value));
    } else {
        std::vector<std::string> names;
        for (const auto& name : option.names) names.push_back("\\fB" + roff(name) + "\\fR");
        out += fmt::format("{}", fmt::join(names, ", "));
        if (!option.value.empty()) out += " \\fI" + roff(option.value) + "\\fR";
    }
    out += "\n" + roff(option.description) + ".";
    if (!option.environment.empty()) out += fmt::format(" Also set by \\fB{}\\fR.", roff(option.environment));
    return out + "\n";
}

std::string verbatim(std::string_view text) {
    return text.empty() ? std::string() : ".PP\n.nf\n" + roff(text) + "\n.fi\n";
}

std::string synopsis_of(const CommandReference& command) {
    std::string out = fmt::format("\\fBtube {}\\fR", roff(command.name));
    bool has_options = false;
    for (const auto& option : command.options) has_options = has_options || !option.positional;
    if (has_options) out += " [\\fIOPTIONS\\fR]";
    for (const auto& option : command.options) {
        if (!option.positional) continue;
        const auto name = "\\fI" + roff(option.value) + "\\fR";
        out += option.required ? " " + name : " [" + name + "]";
    }
    return out + "\n";
}

}  // namespace

std::string manual_page(const std::vector<CommandReference>& commands, std::string_view version) {
    std::string out = fmt::format(
        ".\\\" SPDX-License-Identifier: GPL-3.0-or-later\n.\\\" Made by the build from the program's "
        "own options.\n.TH TUBE 1 \"\" \"tubes {}\" \"User Commands\"\n",
        version);
    out += ".SH NAME\ntube \\- connect one person's programs to another's\n.SH SYNOPSIS\n";
    for (const auto& command : commands) {
        if (!command.name.empty()) out += synopsis_of(command) + ".br\n";
    }
    out += fmt::format(".SH DESCRIPTION\n{}.SH OPTIONS\n", kDescription);
    for (const auto& option : commands.front().options) out += option_entry(option);
    out += ".SH COMMANDS\n";
    for (const auto& command : commands) {
        if (command.name.empty()) continue;
        out += fmt::format(".SS {}\n{}.\n.PP\n{}", roff("tube " + command.name), roff(command.summary),
                           synopsis_of(command));
        for (const auto& option : command.options) out += option_entry(option);
        out += verbatim(command.examples);
    }
    out += ".SH EXAMPLES AND EXIT STATUS" + std::string("\n") + verbatim(commands.front().examples);
    return out + std::string(kFiles);
}

}  // namespace tubes::cli
