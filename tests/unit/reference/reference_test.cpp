// SPDX-License-Identifier: GPL-3.0-or-later
// Manual page and completions say what the option tables say.
#include "tubes/cli/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tubes::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class Reference : public testing::Test {
protected:
    Reference() {
        app.name("tube");
        app.footer("Examples:\n  tube share 1\n.a line that begins with a dot");
        app.add_option("--home", text, "Where files are")->envname("TUBES_HOME")->type_name("DIR");
        auto* share = app.add_subcommand("share", "Let others use it");
        share->add_option("TARGET", text, "What to share")->required();
        auto* group = share->add_option_group("more", "More");
        group->add_flag("-v,--verbose", flag, "Say [more], it's \\ fine");
    }

    std::string made(std::string_view kind) { return reference(app, kind, "1.2.3").value_or("nothing"); }

    CLI::App app{"Connects."};
    std::string text;
    bool flag = false;
};

TEST_F(Reference, TheManualNamesEveryCommandOptionAndVariable) {
    const auto page = made("man");
    EXPECT_THAT(page, HasSubstr(".TH TUBE 1 \"\" \"tubes 1.2.3\""));
    EXPECT_THAT(page, HasSubstr(".SS tube share"));
    EXPECT_THAT(page, HasSubstr("\\fB\\-\\-home\\fR \\fIDIR\\fR"));
    EXPECT_THAT(page, HasSubstr("\\fBTUBES_HOME\\fR"));
    EXPECT_THAT(page, HasSubstr("\\fB\\-v\\fR, \\fB\\-\\-verbose\\fR"));
    EXPECT_THAT(page, HasSubstr("\\fITARGET\\fR"));
}

TEST_F(Reference, NoTextOfAnOptionActsAsRoff) {
    const auto page = made("man");
    EXPECT_THAT(page, HasSubstr("\n\\&.a line"));
    EXPECT_THAT(page, HasSubstr("it's \\e fine"));
}

TEST_F(Reference, EveryShellCompletesCommandsAndOptions) {
    for (const auto* kind : {"bash", "zsh", "fish"}) {
        const auto script = made(kind);
        EXPECT_THAT(script, HasSubstr("share")) << kind;
        EXPECT_THAT(script, HasSubstr("home")) << kind;
        EXPECT_THAT(script, HasSubstr("verbose")) << kind;
        EXPECT_THAT(script, Not(HasSubstr("TARGET"))) << kind;
    }
}

TEST_F(Reference, QuotesInDescriptionsDoNotEndTheString) {
    EXPECT_THAT(made("zsh"), HasSubstr("Say \\[more\\], it'\\''s"));
    EXPECT_THAT(made("fish"), HasSubstr("it'\\''s"));
}

TEST_F(Reference, HelpIsToldOnce) {
    const auto commands = reference_of(app);
    ASSERT_EQ(commands.size(), 2U);
    for (const auto& option : commands[1].options) EXPECT_THAT(option.names, Not(testing::Contains("--help")));
}

TEST_F(Reference, AnUnknownKindIsRefused) {
    EXPECT_FALSE(reference(app, "tcsh", "1").has_value());
}

}  // namespace
}  // namespace tubes::cli
