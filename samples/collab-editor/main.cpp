// SPDX-License-Identifier: GPL-3.0-or-later
// collab-editor: one Markdown document, several people, each in the browser on an own machine.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <iostream>

#include "samples/collab-editor/cable.hpp"
#include "samples/collab-editor/keeper_child.hpp"
#include "samples/collab-editor/web.hpp"

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

struct Arguments {
    fs::path file, state, page;
    std::string join, from, room, nick, profile;
    std::vector<std::string> to;
    bool is_sharing = false, is_joining = false, no_open = false;
};

fs::path state_folder() {
    const auto value = [](const char* name) { return std::getenv(name) != nullptr ? std::getenv(name) : ""; };
    if (*value("TUBES_HOME") != '\0') return fs::path(value("TUBES_HOME")) / "collab-editor";
    if (*value("XDG_STATE_HOME") != '\0') return fs::path(value("XDG_STATE_HOME")) / "collab-editor";
    return fs::path(value("HOME")) / ".local/state/collab-editor";
}

constexpr const char* kIdentityFile = "page";  // in the document's folder

fs::path document_folder(const Arguments& arguments, const std::string& title) {
    if (!arguments.state.empty()) return arguments.state;
    return state_folder() / (title + (arguments.is_sharing ? ".shared" : ".joined"));
}

/// The page is built beside the program.
fs::path page_folder() {
    std::error_code failure;
    return fs::read_symlink("/proc/self/exe", failure).parent_path() / "collab-editor-page";
}

/// Opens the log of this document in a folder that no other running editor uses.
editor::LogStore open_log(const fs::path& folder) {
    fs::create_directories(folder);
    fs::permissions(folder, fs::perms::owner_all);
    auto log = editor::LogStore::open(folder / "log");
    if (log) return std::move(*log);
    if (log.error() == tubes::Errc::already_exists) {
        throw std::runtime_error("another collab-editor has this document open; use its page, or --state FOLDER");
    }
    throw std::runtime_error("cannot open " + (folder / "log").string() + ": " + log.error().message());
}

/// Runs a program that goes on after this one; `quiet`: without this one's terminal.
void start_program(std::vector<std::string> words, bool quiet) {
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::fork() == 0) {
            const int nowhere = ::open("/dev/null", O_RDWR);
            for (int descriptor = 0; quiet && descriptor < 3; ++descriptor) ::dup2(nowhere, descriptor);
            ::close_range(STDERR_FILENO + 1, ~0U, 0);
            ::execvp(arguments.front(), arguments.data());
        }
        ::_exit(0);
    }
    if (child > 0) ::waitpid(child, nullptr, 0);
}

/// Another editor of this user, for another document.
void start_editor(std::vector<std::string> words, const Arguments& ours) {
    words.insert(words.begin(), "/proc/self/exe");
    if (!ours.profile.empty()) words.insert(words.end(), {"--profile", ours.profile});
    if (ours.no_open) words.push_back("--no-open");
    start_program(std::move(words), false);
}

editor::CableOptions cable_options(const Arguments& arguments, editor::Document& document,
                                   const std::shared_ptr<editor::Web>& web) {
    editor::CableOptions options;
    options.is_sharing = arguments.is_sharing;
    options.title = arguments.is_sharing ? arguments.file.stem().string() : arguments.join;
    options.contacts = arguments.to;
    if (!arguments.from.empty()) options.contacts = {arguments.from};
    options.room = arguments.room;
    options.nick = arguments.nick;
    options.start_editor = [&arguments](const std::vector<std::string>& words) { start_editor(words, arguments); };
    if (!options.title.empty() && !tubes::is_valid_service_name("org.tubes.editor." + options.title)) {
        throw std::runtime_error("the document's name may have letters, digits, '.', '_' and '-': " + options.title);
    }
    options.open_document = [&arguments, &document, &web](const std::string& title) {
        const auto folder = document_folder(arguments, title);
        const auto file = arguments.file.empty() ? fs::path() : fs::absolute(arguments.file);
        auto log = open_log(folder);
        const auto stored = web->identity().store(folder / kIdentityFile);
        if (!stored) throw std::runtime_error("cannot write to " + folder.string() + ": " + stored.error().message());
        document.open(std::move(log), editor::FileKeeper(file, folder / "base"));
        return folder / "people";
    };
    return options;
}

/// Edits go to the disk and the file is looked at several times a second.
asio::awaitable<void> look_after(editor::Document& document, editor::KeeperChild& child) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        document.look();
        child.look();
        timer.expires_after(std::chrono::milliseconds(250));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

int run(const Arguments& arguments) {
    const auto page = arguments.page.empty() ? page_folder() : arguments.page;
    if (!fs::exists(page / "index.html")) {
        throw std::runtime_error("the page is not built: it needs Node, npm and, once, a network; then build again");
    }
    asio::io_context context;
    editor::Document document;
    tubes::NodeOptions node_options;
    node_options.executor = context.get_executor();
    node_options.profile = arguments.profile;
    auto node = tubes::open_node(node_options);
    if (!node) throw std::runtime_error("cannot start: " + node.error().message());
    std::shared_ptr<editor::Web> web;  // before the document is opened
    auto options = cable_options(arguments, document, web);
    // A page that is still open comes back to where it was served.
    const auto identity = options.title.empty()
                              ? editor::PageIdentity::make()
                              : editor::PageIdentity::load(document_folder(arguments, options.title) / kIdentityFile);
    editor::Cable cable(std::move(*node), document, std::move(options));
    editor::KeeperChild child(context.get_executor(), document, page / "keeper.cjs");

    std::string failed;
    const auto ended = [&](std::exception_ptr failure) {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const boost::system::system_error& error) {
            if (error.code() == tubes::Errc::cancelled) return;
            failed = error.code().message();
            if (error.code() == tubes::Errc::not_connected) failed += ": no account is set up; `tube login ADDRESS`";
            context.stop();
        } catch (const std::exception& error) {
            failed = error.what();
            context.stop();
        }
    };
    editor::PageRequests requests;
    requests.invite = [&cable](std::string contact) { cable.invite(std::move(contact)); };
    requests.join = [&cable](std::string person, std::string service) { cable.join_shared(person, service); };
    requests.answer = [&cable](std::string id, bool accept) { cable.answer(std::move(id), accept); };
    web = std::make_shared<editor::Web>(context.get_executor(), document, page, requests, identity);
    web->start();
    asio::co_spawn(context, cable.run(), ended);
    asio::co_spawn(context, cable.report(), ended);
    asio::co_spawn(context, look_after(document, child), ended);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
    context.poll();  // what prevents the start is said before the address
    if (failed.empty()) {
        std::cout << (arguments.is_sharing     ? "Sharing " + arguments.file.stem().string()
                      : arguments.join.empty() ? "Waiting for an invitation"
                                               : "Joining " + arguments.join)
                  << "\nOpen " << web->url() << std::endl;
        if (!arguments.no_open) start_program({"xdg-open", web->url()}, true);
        context.run();
    }
    if (!failed.empty()) throw std::runtime_error(failed);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App app("Edits one Markdown document together, in the browser, through a tube");
    app.add_option("file", arguments.file, "The file; with --join, where your copy is saved (may be left out)");
    auto* share = app.add_flag("--share", arguments.is_sharing, "Share FILE (without --to: with yourself here)");
    app.add_option("--to", arguments.to, "Contacts who may edit")->needs(share)->allow_extra_args(false);
    auto* join = app.add_option("--join", arguments.join,
                                "Join the document of this name; without a name: wait for an invitation");
    join->expected(0, 1);
    app.add_option("--from", arguments.from, "The contact who shares it; with --room, the nickname")->needs(join);
    app.add_option("--room", arguments.room, "Share with everybody in this room, or join what is shared there");
    app.add_option("--nick", arguments.nick,
                   "Your name in the room (a few characters are added); default: your account's");
    app.add_option("--profile", arguments.profile, "Profile with its own accounts");
    app.add_option("--state", arguments.state, "Folder that keeps the edits of this copy");
    app.add_option("--page", arguments.page, "Folder with the built page")->group("");
    app.add_flag("--no-open", arguments.no_open, "Print the URL, do not start the browser");
    join->excludes(share);
    try {
        app.parse(argc, argv);
        if (arguments.is_sharing && arguments.file.empty()) throw CLI::RequiredError("FILE with --share");
        arguments.is_joining = join->count() > 0;
        if (!arguments.is_sharing && !arguments.is_joining) throw CLI::RequiredError("--share or --join");
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    try {
        return run(arguments);
    } catch (const std::exception& error) {
        std::cerr << "collab-editor: " << error.what() << "\n";
        return 1;
    }
}
