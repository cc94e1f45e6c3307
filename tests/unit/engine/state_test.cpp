// SPDX-License-Identifier: GPL-3.0-or-later
// State files: durable, shared by processes, honest about damage.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scratch_directory.hpp"
#include "tubes/engine/state/identity_file.hpp"
#include "tubes/engine/state/secrets.hpp"
#include "tubes/engine/state/trust_file.hpp"

namespace tubes::engine {
namespace {

using core::ContactAddress;
using core::PublicKey;
using core::ports::Pin;
using test::ScratchDirectory;

const ContactAddress kBob{"bob@example.org"};

Pin pin(const PublicKey& key, bool verified = false) {
    Pin made;
    made.key = key;
    made.accepted = true;
    made.verified = verified;
    return made;
}

mode_t mode_of(const std::filesystem::path& path) {
    struct stat found {};
    EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 0777;
}

bool has_corrupt_copy(const std::filesystem::path& directory, const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().filename().string().rfind(name + ".corrupt-", 0) == 0) return true;
    }
    return false;
}

TEST(TrustFile, KeepsPinsForTheNextRun) {
    const ScratchDirectory scratch;
    const auto key = PublicKey::random();
    {
        auto store = TrustFile::open(scratch.path());
        ASSERT_TRUE(store);
        ASSERT_TRUE((*store)->put("alice", kBob, pin(key, true)));
    }
    auto store = TrustFile::open(scratch.path());
    ASSERT_TRUE(store);
    const auto pins = (*store)->pins("alice", kBob);
    ASSERT_EQ(pins.size(), 1U);
    EXPECT_EQ(pins[0].key, key);
    EXPECT_TRUE(pins[0].verified);
    EXPECT_GT(pins[0].first_seen, 0);
    EXPECT_TRUE((*store)->pins("alice", ContactAddress{"carol@example.org"}).empty());
    EXPECT_TRUE((*store)->pins("other", kBob).empty());
    EXPECT_EQ(mode_of(scratch / "pins.json"), 0600U);
}

TEST(TrustFile, SeesWhatAnotherProcessPinnedOrDropped) {
    const ScratchDirectory scratch;
    auto one = TrustFile::open(scratch.path());
    auto two = TrustFile::open(scratch.path());
    const auto key = PublicKey::random();
    ASSERT_TRUE((*one)->put("alice", kBob, pin(key)));
    EXPECT_EQ((*two)->pins("alice", kBob).size(), 1U);
    ASSERT_TRUE((*two)->remove("alice", kBob, key));
    EXPECT_TRUE((*one)->pins("alice", kBob).empty());
    EXPECT_EQ((*one)->remove("alice", kBob, key).error(), make_error_code(Errc::not_found));
}

TEST(TrustFile, LosesNoPinOfConcurrentWriters) {
    const ScratchDirectory scratch;
    constexpr int kWriters = 4;
    constexpr int kPins = 10;
    std::vector<pid_t> children;
    for (int writer = 0; writer < kWriters; ++writer) {
        const pid_t child = ::fork();
        if (child == 0) {
            auto store = TrustFile::open(scratch.path());
            bool good = store.has_value();
            for (int i = 0; good && i < kPins; ++i) {
                good = (*store)->put("alice", kBob, pin(PublicKey::random())).has_value();
            }
            ::_exit(good ? 0 : 1);
        }
        children.push_back(child);
    }
    for (const auto child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    auto store = TrustFile::open(scratch.path());
    EXPECT_EQ((*store)->pins("alice", kBob).size(), static_cast<std::size_t>(kWriters * kPins));
}

TEST(TrustFile, RefusesTheSixtyFifthKeyOfAContact) {
    const ScratchDirectory scratch;
    auto store = TrustFile::open(scratch.path());
    for (std::size_t i = 0; i < TrustFile::kMaxKeys; ++i) {
        ASSERT_TRUE((*store)->put("alice", kBob, pin(PublicKey::random())));
    }
    const auto refused = (*store)->put("alice", kBob, pin(PublicKey::random()));
    EXPECT_EQ(refused.error(), make_error_code(Errc::limit_exceeded));
    EXPECT_EQ((*store)->pins("alice", kBob).size(), TrustFile::kMaxKeys);
}

TEST(StateFile, KeepsADamagedFileAsideAndStartsEmptyTheNextTime) {
    const std::vector<std::string> damages = {"{\"version\": 1, \"acc", "[]", "{}", "", "\xff\xfe",
                                              std::string(2000, '[')};
    for (const auto& damage : damages) {
        const ScratchDirectory scratch;
        scratch.write("pins.json", damage);
        EXPECT_EQ(TrustFile::open(scratch.path()).error(), make_error_code(Errc::state_corrupt)) << damage;
        EXPECT_TRUE(has_corrupt_copy(scratch.path(), "pins.json"));
        EXPECT_TRUE(TrustFile::open(scratch.path()));
    }
}

TEST(StateFile, LeavesAFileOfANewerVersionUntouched) {
    const ScratchDirectory scratch;
    const std::string text = "{\"version\": 99, \"accounts\": {}}";
    scratch.write("pins.json", text);
    EXPECT_EQ(TrustFile::open(scratch.path()).error(), make_error_code(Errc::state_too_new));
    EXPECT_EQ(scratch.read("pins.json"), text);
}

TEST(StateFile, GoesOnWithWhatItHeldWhenTheFileIsDamagedMeanwhile) {
    const ScratchDirectory scratch;
    auto store = TrustFile::open(scratch.path());
    const auto key = PublicKey::random();
    ASSERT_TRUE((*store)->put("alice", kBob, pin(key)));
    scratch.write("pins.json", "damaged");
    EXPECT_EQ((*store)->pins("alice", kBob).size(), 1U);
    EXPECT_EQ((*store)->put("alice", kBob, pin(PublicKey::random())).error(), make_error_code(Errc::state_corrupt));
}

TEST(IdentityFile, GivesEachAccountItsOwnLastingKey) {
    const ScratchDirectory scratch;
    auto alice = load_identity(scratch.path(), "alice@example.org");
    auto again = load_identity(scratch.path(), "alice@example.org");
    auto other = load_identity(scratch.path(), "../../../etc/passwd");
    ASSERT_TRUE(alice && again && other);
    EXPECT_EQ((*alice)->public_key(), (*again)->public_key());
    EXPECT_NE((*alice)->public_key(), (*other)->public_key());
    for (const auto& entry : std::filesystem::directory_iterator(scratch / "identities")) {
        EXPECT_EQ(mode_of(entry.path()), 0600U);
    }
    EXPECT_EQ(mode_of(scratch / "identities"), 0700U);
}

TEST(IdentityFile, IsTheSameForProcessesThatStartTogether) {
    const ScratchDirectory scratch;
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            auto identity = load_identity(scratch.path(), "alice");
            scratch.write("key" + std::to_string(i), identity ? (*identity)->public_key().hex() : "none");
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const auto child : children) ::waitpid(child, nullptr, 0);
    const auto first = scratch.read("key0");
    EXPECT_EQ(first.size(), 64U);
    for (int i = 1; i < 4; ++i) EXPECT_EQ(scratch.read("key" + std::to_string(i)), first);
}

TEST(IdentityFile, KeepsADamagedKeyAside) {
    const ScratchDirectory scratch;
    ASSERT_TRUE(load_identity(scratch.path(), "alice"));
    scratch.write("identities/alice.pem", "-----BEGIN PRIVATE KEY-----\nnot one\n");
    EXPECT_EQ(load_identity(scratch.path(), "alice").error(), make_error_code(Errc::state_corrupt));
    EXPECT_TRUE(has_corrupt_copy(scratch / "identities", "alice.pem"));
    EXPECT_TRUE(load_identity(scratch.path(), "alice"));
}

TEST(SecretStore, KeepsPasswordsInAFileThatOnlyTheOwnerReads) {
    const ScratchDirectory scratch;
    auto store = open_secret_file(scratch.path());
    ASSERT_TRUE(store);
    EXPECT_EQ((*store)->find("alice").error(), make_error_code(Errc::not_found));
    ASSERT_TRUE((*store)->put("alice", "open sesame"));
    EXPECT_EQ(mode_of(scratch / "secrets.json"), 0600U);
    ::chmod((scratch / "secrets.json").c_str(), 0644);
    auto again = open_secret_file(scratch.path());
    EXPECT_EQ((*again)->find("alice").value(), "open sesame");
    EXPECT_EQ(mode_of(scratch / "secrets.json"), 0600U);
    ASSERT_TRUE((*again)->remove("alice"));
    EXPECT_TRUE((*store)->find("alice").has_error());
    EXPECT_TRUE((*store)->remove("nobody"));
}

TEST(AccountMemory, RemembersTheStrongestMechanism) {
    const ScratchDirectory scratch;
    auto memory = AccountMemory::open(scratch.path());
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->get("alice", "mechanism"), "");
    ASSERT_TRUE(memory->put("alice", "mechanism", "SCRAM-SHA-256"));
    EXPECT_EQ(AccountMemory::open(scratch.path())->get("alice", "mechanism"), "SCRAM-SHA-256");
}

TEST(FileLock, IsHeldByOneAtATime) {
    const ScratchDirectory scratch;
    {
        const auto held = FileLock::try_acquire(scratch / "name.lock");
        ASSERT_TRUE(held);
        EXPECT_EQ(FileLock::try_acquire(scratch / "name.lock").error(), make_error_code(Errc::already_exists));
    }
    EXPECT_TRUE(FileLock::try_acquire(scratch / "name.lock"));
}

TEST(WriteFile, FollowsALinkAndLeavesNothingBehind) {
    const ScratchDirectory scratch;
    scratch.write("elsewhere/real", "old");
    std::filesystem::create_symlink(scratch / "elsewhere/real", scratch / "link");
    ASSERT_TRUE(write_file(scratch / "link", "new"));
    EXPECT_TRUE(std::filesystem::is_symlink(scratch / "link"));
    EXPECT_EQ(scratch.read("elsewhere/real"), "new");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch / "elsewhere"), {}), 1);
}

}  // namespace
}  // namespace tubes::engine
