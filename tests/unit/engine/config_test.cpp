// SPDX-License-Identifier: GPL-3.0-or-later
// config.toml: what it means, which source wins, and that the user's text survives our edits.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/scratch_directory.hpp"
#include "tubes/config.hpp"
#include "tubes/engine/state/config_file.hpp"
#include "tubes/engine/state/policy_file.hpp"
#include "tubes/engine/state/settings.hpp"

namespace tubes::engine {
namespace {

using core::ContactAddress;
using Direction = core::ports::PolicyStore::Direction;
using test::ScratchDirectory;

/// A variable of the environment for one test.
class Variable {
public:
    Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~Variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

PolicyEntry policy(std::string contact, std::string service, Policy decision) {
    PolicyEntry entry;
    entry.contact = std::move(contact);
    entry.service = std::move(service);
    entry.policy = decision;
    return entry;
}

constexpr const char* kByHand =
    "# my settings\n"
    "version = 1\n"
    "\n"
    "[network]   # at home\n"
    "stun = [ \"stun.example.org\",\n"
    "         \"[2001:db8::1]:3479\" ]\n"
    "\n"
    "# Bob from work\n"
    "[[policy]]\n"
    "  contact = 'bob@example.org'  # him\n"
    "  # may use everything\n"
    "  policy = \"always\"  # for now\n"
    "\n"
    "[[account]]\n"
    "address = \"alice@example.org\"\n"
    "\n"
    "# the end\n";

TEST(ConfigFile, KeepsCommentsAndOrderWhenAPolicyChanges) {
    const ScratchDirectory scratch;
    scratch.write("config.toml", kByHand);
    auto file = ConfigFile::open(scratch / "config.toml");
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->set_policy(policy("bob@example.org", "", Policy::never)));
    std::string expected = kByHand;
    expected.replace(expected.find("\"always\""), 8, "\"never\"");
    EXPECT_EQ(scratch.read("config.toml"), expected);
    ASSERT_TRUE((*file)->set_policy(policy("bob@example.org", "ssh", Policy::always)));
    EXPECT_EQ(scratch.read("config.toml"),
              expected + "\n[[policy]]\ncontact = \"bob@example.org\"\nservice = \"ssh\"\npolicy = \"always\"\n");
    EXPECT_EQ((*file)->content().policies.size(), 2U);
}

TEST(ConfigFile, KeepsTheRestWhenAnAccountComesAndGoes) {
    const ScratchDirectory scratch;
    scratch.write("config.toml", kByHand);
    auto file = ConfigFile::open(scratch / "config.toml");
    AccountEntry entry;
    entry.address = "alice@example.org";
    entry.host = "[::1]:5222";
    ASSERT_TRUE((*file)->put_account(entry));
    EXPECT_EQ((*file)->content().accounts.at(0).host, "[::1]:5222");
    entry.address = "a\"b\\c@example.org";
    ASSERT_TRUE((*file)->put_account(entry));
    ASSERT_TRUE((*file)->remove_account(entry.address));
    ASSERT_TRUE((*file)->remove_account("alice@example.org"));
    EXPECT_EQ((*file)->remove_account("alice@example.org").error(), make_error_code(Errc::not_found));
    std::string expected = kByHand;
    const std::string table = "[[account]]\naddress = \"alice@example.org\"\n\n";
    expected.erase(expected.find(table), table.size());
    EXPECT_EQ(scratch.read("config.toml"), expected + "\n");
}

TEST(ConfigFile, LeavesAFileItCannotEditAsItIs) {
    const ScratchDirectory scratch;
    const std::string text = "policy = [ {contact = \"bob@example.org\", policy = \"ask\"} ]\n";
    scratch.write("config.toml", text);
    auto file = ConfigFile::open(scratch / "config.toml");
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->set_policy(policy("carol@example.org", "", Policy::never)).error(),
              make_error_code(Errc::unsupported));
    EXPECT_EQ(scratch.read("config.toml"), text);
}

TEST(ConfigFile, HonoursWhatTheUserEditsMeanwhile) {
    const ScratchDirectory scratch;
    auto file = ConfigFile::open(scratch / "config.toml");
    ASSERT_TRUE(file);
    const PolicyFile policies(**file, AddressPolicy::all);
    const ContactAddress bob{"bob@example.org"};
    EXPECT_EQ(policies.policy("alice", bob, "ssh", Direction::incoming), Policy::ask);
    scratch.write("config.toml", "[[policy]]\ncontact = \"bob@example.org\"\npolicy = \"never\"\n");
    EXPECT_EQ(policies.policy("alice", bob, "ssh", Direction::incoming), Policy::never);
    scratch.write("config.toml", "[[policy]\n");
    EXPECT_EQ(policies.policy("alice", bob, "ssh", Direction::incoming), Policy::never);
}

TEST(ConfigFile, NamesTheLineOfAMistake) {
    const std::pair<const char*, const char*> mistakes[] = {
        {"version = 1\n[[policy]]\npolicy = \"perhaps\"\n", "line 3"},
        {"version = 1\n\nx = = 2\n", "line 3"},
        {"[[account]]\nhost = \"h\"\n", "line 1"},
        {"[[policy]]\npolicy = \"ask\"\nsevrice = \"x\"\n", "line 3"},
        {"[[service]]\nname = \"../x\"\ntarget = \"1\"\n", "line 1"},
        {"policy = 3\n", "line 1"},
    };
    for (const auto& [text, line] : mistakes) {
        ConfigProblem problem;
        EXPECT_FALSE(parse_config(text, problem)) << text;
        EXPECT_EQ(problem.code, Errc::state_corrupt);
        EXPECT_NE(problem.text.find(line), std::string::npos) << text << " gave " << problem.text;
    }
}

TEST(ConfigFile, RefusesANewerVersionWithoutTouchingIt) {
    const ScratchDirectory scratch;
    scratch.write("config.toml", "version = 2\n[[future]]\nx = 1\n");
    EXPECT_EQ(ConfigFile::open(scratch / "config.toml").error(), make_error_code(Errc::state_too_new));
    EXPECT_EQ(scratch.read("config.toml"), "version = 2\n[[future]]\nx = 1\n");
}

TEST(PolicyFile, LetsTheMostSpecificDecisionWin) {
    const ScratchDirectory scratch;
    scratch.write("config.toml", R"([[policy]]
contact = "bob"
service = "ssh"
direction = "incoming"
policy = "always"
[[policy]]
contact = "bob"
policy = "never"
[[policy]]
service = "ssh"
policy = "never"
[[policy]]
policy = "ask"
addresses = "public-only"
[[policy]]
contact = "bob"
addresses = "relay-only"
)");
    auto file = ConfigFile::open(scratch / "config.toml");
    ASSERT_TRUE(file);
    const PolicyFile policies(**file, AddressPolicy::all);
    const ContactAddress bob{"bob"};
    const ContactAddress carol{"carol"};
    EXPECT_EQ(policies.policy("a", bob, "ssh", Direction::incoming), Policy::always);
    EXPECT_EQ(policies.policy("a", bob, "ssh", Direction::offered), Policy::never);
    EXPECT_EQ(policies.policy("a", bob, "web", Direction::incoming), Policy::never);
    EXPECT_EQ(policies.policy("a", carol, "ssh", Direction::incoming), Policy::never);
    EXPECT_EQ(policies.policy("a", carol, "web", Direction::incoming), Policy::ask);
    EXPECT_EQ(policies.addresses("a", bob, AddressPolicy::all), AddressPolicy::relay_only);
    EXPECT_EQ(policies.addresses("a", carol, AddressPolicy::relay_only), AddressPolicy::public_only);
}

TEST(PolicyFile, KeepsStrangersToTheRelayWhateverTheDefaultAllows) {
    const ScratchDirectory scratch;
    auto file = ConfigFile::open(scratch / "config.toml");
    const ContactAddress stranger{"mallory"};
    EXPECT_EQ(PolicyFile(**file, AddressPolicy::all).addresses("a", stranger, AddressPolicy::relay_only),
              AddressPolicy::relay_only);
    EXPECT_EQ(PolicyFile(**file, AddressPolicy::public_only).addresses("a", stranger, AddressPolicy::all),
              AddressPolicy::public_only);
}

const ConfigValue& value(const std::vector<ConfigValue>& list, const std::string& name) {
    for (const auto& item : list) {
        if (item.name == name) return item;
    }
    throw std::runtime_error("no " + name);
}

TEST(Configuration, PrefersFlagToEnvironmentToFileToDefault) {
    const ScratchDirectory scratch;
    NodeOptions options;
    options.home = scratch.path();
    const auto links = [&] { return value(effective_config(options).value(), "limits.links"); };
    EXPECT_EQ(links().source, "default");
    scratch.write("config/config.toml", "[limits]\n\nlinks = 11\n");
    EXPECT_EQ(links().value, "11");
    EXPECT_EQ(links().origin, (scratch / "config/config.toml").string() + ":3");
    const Variable variable("TUBES_LIMITS_LINKS", "22");
    EXPECT_EQ(links().value, "22");
    EXPECT_EQ(links().origin, "TUBES_LIMITS_LINKS");
    options.settings["limits.links"] = "33";
    EXPECT_EQ(links().value, "33");
    EXPECT_EQ(links().source, "flag");
}

TEST(Configuration, RefusesValuesThatMakeNoSense) {
    const ScratchDirectory scratch;
    NodeOptions options;
    options.home = scratch.path();
    const std::pair<const char*, const char*> wrong[] = {{"limits.links", "0"},      {"limits.links", "many"},
                                                         {"network.stun", "a b"},    {"network.turn", "turn:host"},
                                                         {"local.enabled", "maybe"}, {"no.such", "1"}};
    for (const auto& [name, text] : wrong) {
        options.settings = {{name, text}};
        EXPECT_EQ(effective_config(options).error(), make_error_code(Errc::invalid_argument)) << name << "=" << text;
    }
}

TEST(Configuration, HidesThePasswordOfARelay) {
    const ScratchDirectory scratch;
    NodeOptions options;
    options.home = scratch.path();
    options.settings["network.turn"] = "turn:me:secret@relay.example.org:3478?transport=tcp";
    EXPECT_EQ(value(effective_config(options).value(), "network.turn").value,
              "turn:me:***@relay.example.org:3478?transport=tcp");
    options.settings["network.turn"] = "me:se:cr@et@relay.example.org";
    EXPECT_EQ(value(effective_config(options).value(), "network.turn").value, "me:***@relay.example.org");
}

TEST(Configuration, ReadsIceServers) {
    const auto relay = parse_ice_server("turns:me:pa:ss@[2001:db8::1]", true);
    ASSERT_TRUE(relay);
    EXPECT_EQ(relay->scheme, core::ports::IceServer::Scheme::turn_tls);
    EXPECT_EQ(relay->host, "2001:db8::1");
    EXPECT_EQ(relay->port, 5349);
    EXPECT_EQ(relay->username, "me");
    EXPECT_EQ(relay->password, "pa:ss");
    // As coturn's REST secrets want it: the time when the credentials end is part of the name.
    const auto rest = parse_ice_server("turn:1767225600%3Ame:50%25%x@relay.example.org", true);
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->username, "1767225600:me");
    EXPECT_EQ(rest->password, "50%%x");
    const auto stun = parse_ice_server("stun:example.org:19302", false);
    ASSERT_TRUE(stun);
    EXPECT_EQ(stun->port, 19302);
}

TEST(Directories, FollowXdgAndKeepProfilesApart) {
    const ScratchDirectory scratch;
    const Variable config("XDG_CONFIG_HOME", (scratch / "c").c_str());
    const Variable state("XDG_STATE_HOME", (scratch / "s").c_str());
    NodeOptions options;
    EXPECT_EQ(find_directories(options)->config, scratch / "c/tubes");
    EXPECT_EQ(find_directories(options)->state, scratch / "s/tubes");
    options.profile = "work";
    EXPECT_EQ(find_directories(options)->state, scratch / "s/tubes/profiles/work");
    options.home = scratch.path();
    EXPECT_EQ(find_directories(options)->config, scratch / "config/profiles/work");
    for (const auto* bad : {"..", "a/b", "ä"}) {
        options.profile = bad;
        EXPECT_EQ(find_directories(options).error(), make_error_code(Errc::invalid_argument)) << bad;
    }
}

TEST(Directories, LeaveRoomForTheNamesOfSockets) {
    NodeOptions options;
    options.home = "/" + std::string(90, 'x');
    const auto found = find_directories(options);
    ASSERT_TRUE(found);
    EXPECT_LE((found->nodes() / std::string(64, 'n')).native().size(), 107U);
}

TEST(Configuration, ListsServicesOfTheFile) {
    const ScratchDirectory scratch;
    NodeOptions options;
    options.home = scratch.path();
    scratch.write("config/config.toml",
                  "[[service]]\nname = \"ssh\"\ntarget = \"22\"\nto = [\"bob@example.org\"]\npolicy = \"always\"\n");
    const auto services = configured_services(options);
    ASSERT_TRUE(services);
    ASSERT_EQ(services->size(), 1U);
    EXPECT_EQ(services->front().target.to_string(), "127.0.0.1:22");
    EXPECT_EQ(services->front().audience, std::vector<std::string>{"bob@example.org"});
    EXPECT_EQ(services->front().policy, Policy::always);
}

}  // namespace
}  // namespace tubes::engine
