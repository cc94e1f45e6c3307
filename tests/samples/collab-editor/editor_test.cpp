// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of the editor that need no browser: messages, the log, the file, the guard.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <fstream>

#include "samples/collab-editor/document.hpp"
#include "samples/collab-editor/http_guard.hpp"
#include "samples/collab-editor/names.hpp"
#include "tubes/types.hpp"

namespace editor {
namespace {

class Folder : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "editor-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::filesystem::path log() const { return folder_ / "log"; }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name, std::ios::binary) << text;
    }
    std::string read(const std::filesystem::path& file) const {
        std::ifstream input(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(input), {}};
    }
    std::filesystem::path folder_;
};

using EditorLog = Folder;
using EditorFile = Folder;

TEST(EditorProtocol, ReadsTheHeadThatItWrites) {
    const auto message = make_message(MessageType::update, "abc");
    const auto head = read_head(write_head(message));
    ASSERT_TRUE(head);
    EXPECT_EQ(head->type, MessageType::update);
    EXPECT_EQ(head->body_size, 3u);
}

TEST(EditorProtocol, RefusesWhatAPeerMustNotSend) {
    for (int type = 0; type < 256; ++type) {
        const bool may = type >= 1 && type <= 5;
        const std::string head = write_number(1) + static_cast<char>(type);
        EXPECT_EQ(read_head(head).has_value(), may) << type;
    }
    EXPECT_FALSE(read_head(write_number(0) + '\2'));
    EXPECT_FALSE(read_head("\0\0\1"));
    EXPECT_FALSE(read_page_message(""));
    EXPECT_FALSE(read_page_message("\x10{}"));
}

TEST(EditorProtocol, RefusesSizesBeforeAnythingIsAllocated) {
    EXPECT_EQ(read_head(std::string("\xff\xff\xff\xff\2", 5)).error(), tubes::Errc::limit_exceeded);
    EXPECT_TRUE(read_head(write_number(kMaxUpdateSize + 1) + '\2'));
    EXPECT_FALSE(read_head(write_number(kMaxUpdateSize + 2) + '\2'));
    std::string chat(kMaxChatSize + 2, 'x');
    chat.front() = '\5';
    EXPECT_FALSE(read_page_message(chat));
}

TEST_F(EditorLog, KeepsUpdatesInOrderAndOnce) {
    {
        auto store = LogStore::open(log());
        ASSERT_TRUE(store);
        EXPECT_TRUE(store->append("one"));
        EXPECT_TRUE(store->append(std::string("t\0wo", 4)));
        EXPECT_EQ(store->append("one").error(), tubes::Errc::already_exists);
        EXPECT_EQ(LogStore::open(log()).error(), tubes::Errc::already_exists);
    }
    const auto store = LogStore::open(log());
    ASSERT_TRUE(store);
    EXPECT_EQ(store->records(), (std::vector<std::string>{"one", std::string("t\0wo", 4)}));
}

TEST_F(EditorLog, ComesBackFromACutAtEveryByte) {
    {
        auto store = LogStore::open(log());
        ASSERT_TRUE(store && store->append("first") && store->append("second"));
    }
    const std::string whole = read(log());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        write("log", whole.substr(0, length));
        auto store = LogStore::open(log());
        ASSERT_TRUE(store) << length;
        const std::size_t kept = store->records().size();
        EXPECT_LE(kept, 1u);
        EXPECT_TRUE(store->append("third"));
        auto again = std::move(*store);
        EXPECT_EQ(again.records().size(), kept + 1);
    }
    write("log", "something else entirely");
    EXPECT_EQ(LogStore::open(log()).error(), tubes::Errc::state_corrupt);
}

TEST_F(EditorLog, ASnapshotTakesThePlaceOfWhatItCovers) {
    {
        auto store = LogStore::open(log());
        ASSERT_TRUE(store);
        for (std::size_t i = 0; i <= kCompactAfterRecords; ++i) ASSERT_TRUE(store->append("edit " + std::to_string(i)));
        EXPECT_TRUE(store->wants_snapshot());
        EXPECT_TRUE(store->replace(kCompactAfterRecords, "snapshot"));
        EXPECT_FALSE(store->wants_snapshot());
        EXPECT_EQ(store->append("edit 0").error(), tubes::Errc::already_exists);
        EXPECT_FALSE(store->replace(9, "snapshot"));
        EXPECT_TRUE(store->append("later"));
        EXPECT_FALSE(LogStore::open(log())) << "the new file is locked as well";
    }
    const auto store = LogStore::open(log());
    ASSERT_TRUE(store);
    const std::string last = "edit " + std::to_string(kCompactAfterRecords);
    EXPECT_EQ(store->records(), (std::vector<std::string>{"snapshot", last, "later"}));
}

TEST_F(EditorFile, DoesNotWriteOverAnotherProgramsChange) {
    const auto file = folder_ / "notes.md";
    write("notes.md", "old");
    FileKeeper keeper(file, folder_ / "base");
    EXPECT_EQ(keeper.read(), write_number(0) + "old");
    EXPECT_TRUE(keeper.save("state", "mine"));
    EXPECT_FALSE(keeper.has_changed());
    write("notes.md", "theirs, longer");
    EXPECT_TRUE(keeper.has_changed());
    EXPECT_EQ(keeper.save("state", "mine again").error(), tubes::Errc::would_block);
    EXPECT_EQ(read(file), "theirs, longer");
    EXPECT_EQ(keeper.read(), write_number(5) + "state" + "theirs, longer");
}

TEST_F(EditorFile, KeepsThePermissionsAndTheLink) {
    write("real.md", "text");
    std::filesystem::permissions(folder_ / "real.md",
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::create_symlink("real.md", folder_ / "link.md");
    ASSERT_TRUE(write_atomically(folder_ / "link.md", "new"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link.md"));
    EXPECT_EQ(read(folder_ / "real.md"), "new");
    EXPECT_EQ(std::filesystem::status(folder_ / "real.md").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

PageIdentity identity_at(unsigned short port) {
    auto identity = PageIdentity::make();
    identity.port = port;
    return identity;
}

TEST(EditorGuard, KnowsItsOwnNameOnly) {
    const HttpGuard guard(identity_at(4711));
    EXPECT_TRUE(guard.is_host_allowed("127.0.0.1:4711"));
    EXPECT_TRUE(guard.is_host_allowed("localhost:4711"));
    for (const char* host : {"", "127.0.0.1", "127.0.0.1:4712", "evil.example:4711", "localhost:4711.evil.example"}) {
        EXPECT_FALSE(guard.is_host_allowed(host)) << host;
        EXPECT_FALSE(guard.is_origin_allowed(std::string("http://") + host)) << host;
    }
    EXPECT_TRUE(guard.is_origin_allowed("http://127.0.0.1:4711"));
    EXPECT_FALSE(guard.is_origin_allowed("https://127.0.0.1:4711"));
    EXPECT_FALSE(guard.is_origin_allowed("null"));
    EXPECT_FALSE(guard.is_origin_allowed(""));
}

TEST(EditorGuard, WantsTheWholeCookie) {
    const HttpGuard guard(identity_at(4711));
    const std::string header = guard.session_cookie();
    EXPECT_NE(header.find("; HttpOnly; SameSite=Strict"), std::string::npos);
    const std::string cookie = header.substr(0, header.find(';'));
    EXPECT_TRUE(guard.has_session(cookie));
    EXPECT_TRUE(guard.has_session("other=1; " + cookie + "; more=2"));
    EXPECT_FALSE(guard.has_session(cookie.substr(0, cookie.size() - 1)));
    EXPECT_FALSE(guard.has_session("editor-4711="));
    EXPECT_FALSE(guard.has_session(""));
    EXPECT_FALSE(guard.is_token(""));
    EXPECT_FALSE(HttpGuard(identity_at(4711)).has_session(cookie));
}

TEST(EditorGuard, BelievesTheTokenOfThisRunOnly) {
    const auto identity = identity_at(4711);
    const HttpGuard first(identity), second(identity);
    const std::string nonce = make_secret();
    EXPECT_EQ(first.welcome(nonce, "token " + first.token()), "key " + identity.key);
    EXPECT_FALSE(second.welcome(nonce, "token " + first.token())) << "a bookmark is worth nothing in the next run";
    for (const char* words : {"", "token", "token ", "key ", "key a b", "other"})
        EXPECT_FALSE(first.welcome(nonce, words));
}

TEST(EditorGuard, APageThatWasOpenBeforeProvesTheKeyAndHearsAProof) {
    const auto identity = identity_at(4711);
    const HttpGuard guard(identity);
    const std::string nonce = make_secret(), mine = make_secret();
    const std::string proof = "key " + mine + " " + identity.prove("page", nonce, mine);
    EXPECT_EQ(guard.welcome(nonce, proof), "proof " + identity.prove("program", nonce, mine) + " " + guard.token());
    EXPECT_FALSE(guard.welcome(make_secret(), proof)) << "said again";
    EXPECT_FALSE(guard.welcome(nonce, "key " + mine + " " + identity.prove("program", nonce, mine))) << "turned back";
    auto elsewhere = identity;
    elsewhere.port = 4712;
    EXPECT_FALSE(HttpGuard(elsewhere).welcome(nonce, proof)) << "passed on from another port";
}

TEST_F(EditorFile, ThePagesSecretsAreForTheirOwnerOnly) {
    const auto file = folder_ / "page";
    EXPECT_NE(PageIdentity::load(file).key, PageIdentity::load(file).key);
    const auto identity = identity_at(21000);
    write("page", "was there before");
    std::filesystem::permissions(file, std::filesystem::perms::all);
    ASSERT_TRUE(identity.store(file));
    EXPECT_EQ(std::filesystem::status(file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const auto loaded = PageIdentity::load(file);
    EXPECT_EQ(loaded.port, 21000);
    EXPECT_EQ(loaded.cookie, identity.cookie);
    EXPECT_EQ(loaded.key, identity.key);
    for (const char* damaged : {"", "{}", "[1]", R"({"port":"x","cookie":1,"key":2})"}) {
        write("page", damaged);
        EXPECT_EQ(PageIdentity::load(file).port, 0) << damaged;
    }
}

TEST(EditorMember, WaitsAfterMoreThanItsShare) {
    boost::asio::io_context context;
    Member fast(context.get_executor(), MemberKind::peer), chatty(context.get_executor(), MemberKind::peer);
    EXPECT_EQ(fast.pause_after(16u << 20).count(), 0);
    EXPECT_GT(fast.pause_after(32u << 20).count(), 1000);
    std::chrono::milliseconds pause{};
    for (int i = 0; i < 100000 && pause.count() == 0; ++i) pause = chatty.pause_after(1);
    EXPECT_GT(pause.count(), 0) << "small messages count, too";
}

TEST(EditorNames, TellTitlesAndKinds) {
    EXPECT_EQ(title_of(service_for("notes")), "notes");
    EXPECT_EQ(title_of(invited_service("notes", "bob@example.org")), "notes");
    EXPECT_TRUE(is_invited_service(invited_service("notes", "bob@example.org")));
    EXPECT_FALSE(is_invited_service(service_for("notes")));
    EXPECT_NE(invited_service("notes", "bob@example.org"), invited_service("notes", "carol@example.org"));
    EXPECT_TRUE(tubes::is_valid_service_name(invited_service("notes", "bob@example.org")));
    EXPECT_EQ(title_of("ssh"), "");
    EXPECT_EQ(person_of("bob-7f3a"), "bob");
    EXPECT_EQ(person_of("bob"), "bob");
    EXPECT_EQ(person_of("-"), "-");
    EXPECT_FALSE(is_document("org.tubes.editor."));
}

}  // namespace
}  // namespace editor
