// SPDX-License-Identifier: GPL-3.0-or-later
// `tube`: connects this person's programs to another person's, from the command line.
#include <fmt/format.h>

#include <malloc.h>

#include <csignal>
#include <cstdlib>

#include "tubes/base/log.hpp"
#include "tubes/cli/commands.hpp"
#include "tubes/cli/reference.hpp"

namespace {

constexpr const char* kFooter = R"(Examples:
  tube share 8080 --as web                      share a local web server with your own programs
  tube connect web --listen 127.0.0.1:9090      and reach it at another port
  tube login alice@example.org                  use an XMPP account
  tube share 22 --as ssh --to bob@example.org   let Bob log in here ...
  ssh -o ProxyCommand='tube connect ssh --from alice@example.org --stdio' alice@here
                                                ... and what Bob types

Exit codes: 0 success, 1 failure, 2 usage, 3 not found or not available, 4 offline, 5 refused, 6 timed out,
7 no path, 8 authentication, 9 unknown key, 10 local trouble, 11 connection lost, 128+N ended by signal N.)";

void add_global_options(CLI::App& app, tubes::cli::GlobalOptions& options) {
    app.add_option("--profile", options.profile, "Keep accounts and identities apart from other profiles")
        ->envname("TUBES_PROFILE")
        ->type_name("NAME");
    app.add_option("--home", options.home, "Keep all files of this profile below DIR")
        ->envname("TUBES_HOME")
        ->type_name("DIR");
    app.add_option("--log", options.log, "Log levels: \"info\", or \"ice=debug,xmpp=trace,warn\"")
        ->envname("TUBES_LOG")
        ->type_name("LEVELS");
    app.add_option("--set", options.settings, "Override a setting of `tube config` (repeat for more)")
        ->type_name("NAME=VALUE");
    app.add_flag("--json", options.json, "Print JSON, for programs");
    app.add_flag("-q,--quiet", options.quiet, "Print no progress");
    app.set_version_flag("--version", "tube " TUBES_VERSION);
}

// A bulk transfer takes and frees send buffers all the time. By default glibc returns the heap's end to the kernel
// whenever 128 KiB of it are free, and every byte sent then pays for page faults (a quarter of the sender's time).
void keep_freed_memory() {
    ::mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
    ::mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace tubes::cli;
    keep_freed_memory();
    std::signal(SIGPIPE, SIG_IGN);
    GlobalOptions options;
    Action selected;
    CLI::App app{"Connects one person's programs to another's, through any NAT, encrypted end to end."};
    app.name("tube");
    app.footer(kFooter);
    app.require_subcommand(1);
    app.fallthrough();
    app.set_help_all_flag("--help-all", "Help of every command");
    add_global_options(app, options);
    add_commands(app, selected);
    if (argc == 3 && std::string_view(argv[1]) == "--reference") {  // for the build: manual page and completions
        const auto text = reference(app, argv[2], TUBES_VERSION);
        fmt::print("{}", text.value_or(""));
        return text ? kSuccess : kUsage;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? kSuccess : kUsage;
    }
    if (const auto configured = tubes::base::configure_logs(options.log); !options.log.empty() && !configured) {
        fmt::print(
            stderr,
            "tube: --log: use \"info\" or \"ice=debug,warn\"; levels are trace, debug, info, warn, error, off\n");
        return kUsage;
    }
    Session session(options);
    return session.run(selected);
}
