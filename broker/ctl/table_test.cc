// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/table.h"

#include <gtest/gtest.h>

#include "broker/ctl/style.h"

namespace bpmp::ctl {
namespace {

Table MakeTable() {
  Table table({{"NAME"}, {"RATE", Align::kRight}, {"STATE"}});
  table.Add({"uarta", "408 MHz", Cell("on", Tone::kGood)});
  table.Add({"a-longer-name", "19.2 MHz"});
  return table;
}

TEST(Table, AlignsColumnsAndEndsLinesWithoutBlanks) {
  EXPECT_EQ(MakeTable().Render({false, false}),
            "NAME               RATE  STATE\n"
            "uarta           408 MHz  on\n"
            "a-longer-name  19.2 MHz  -\n");
}

TEST(Table, ColoursTextButNotPadding) {
  EXPECT_EQ(MakeTable().Render({true, false}),
            "\x1b[1mNAME\x1b[0m               \x1b[1mRATE\x1b[0m  \x1b[1mSTATE\x1b[0m\n"
            "uarta           408 MHz  \x1b[32mon\x1b[0m\n"
            "a-longer-name  19.2 MHz  \x1b[2m-\x1b[0m\n");
}

TEST(Table, CountsCharactersRatherThanBytes) {
  Table table({{"TREE"}, {"X"}});
  table.Add({"└─ a", "1"});
  table.Add({"abcd", "2"});
  EXPECT_EQ(table.Render({false, true}), "TREE  X\n└─ a  1\nabcd  2\n");
}

TEST(Table, NeverPassesOnWhatSteersATerminal) {
  Table table({{"CLIENT"}});
  table.Add({"evil\x1b[2J\nname\x07"});
  EXPECT_EQ(table.Render({true, true}), "\x1b[1mCLIENT\x1b[0m\nevil?[2J?name?\n");
}

TEST(RenderProperties, AlignsLabelsAndLeavesOutWhatIsEmpty) {
  EXPECT_EQ(RenderProperties({{"name", "uarta"}, {"nothing at all", ""}, {"rate", "408 MHz"}},
                             {false, false}),
            "name  uarta\n"
            "rate  408 MHz\n");
}

TEST(Printable, KeepsUtf8AndReplacesTheRest) {
  EXPECT_EQ(Printable("grün ├─"), "grün ├─");
  EXPECT_EQ(Printable("\xff\xfe"), "??");
  EXPECT_EQ(Printable("a\xc3"), "a?");           // cut in the middle
  EXPECT_EQ(Printable("\xc2\x9b[2J"), "??[2J");  // a control character of Latin-1
  EXPECT_EQ(Printable("\xc0\xaf"), "??");        // overlong
  EXPECT_EQ(Printable("\xe0\x80\x80"), "???");
  EXPECT_EQ(Printable("\xed\xa0\x80"), "???");  // a surrogate: no JSON can have it
  EXPECT_EQ(Printable(std::string("a\0b", 3)), "a?b");
}

TEST(Quoted, CutsWhatIsLong) {
  EXPECT_EQ(Quoted("short"), "'short'");
  EXPECT_EQ(Quoted(std::string(1000, 'x')), "'" + std::string(40, 'x') + "...'");
}

TEST(DetectStyle, HasNoColoursWhereOutputIsNoTerminal) { EXPECT_FALSE(DetectStyle(-1).color); }

}  // namespace
}  // namespace bpmp::ctl
