// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "broker/devicetree/compile_for_test.h"

namespace bpmp::devicetree {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kNodes[] = R"(
  aliases { serial0 = "/bus@0/serial@3100000"; lost = "/bus@0/nowhere"; };
  bus@0 {
    uarta: serial@3100000 { compatible = "nvidia,tegra194-hsuart", "other"; status = "okay"; };
    serial@3140000 { status = "disabled"; phandle = <77>; };
    i2c@1 { status = "disabled"; codec@1c { }; };
    spi@1 { codec@1c { status = "ok"; }; };
  };
)";

class TreeTest : public testing::Test {
 protected:
  std::string PathOf(std::string_view name) {
    const auto node = tree_.Resolve(name);
    return node.ok() ? (*node)->Path() : std::string(node.status().message());
  }

  Tree tree_ = CompileTree(BoardSource(kNodes));
};

TEST_F(TreeTest, ANodeHasAllTheNamesThatPeopleUse) {
  for (const char* name :
       {"/bus@0/serial@3100000", "serial@3100000", "uarta", "serial0", "/bus@0/serial@3100000/"}) {
    EXPECT_EQ(PathOf(name), "/bus@0/serial@3100000") << name;
  }
  EXPECT_EQ(PathOf("spi"), "/bus@0/spi@1");
  EXPECT_THAT(tree_.NamesOf(*tree_.FindPath("/bus@0/serial@3100000")),
              ElementsAre("uarta", "serial@3100000", "/bus@0/serial@3100000", "serial0"));
  EXPECT_THAT(tree_.NamesOf(*tree_.FindPath("/bus@0/spi@1/codec@1c")),
              ElementsAre("/bus@0/spi@1/codec@1c"))
      << "two nodes are called codec@1c";
}

TEST_F(TreeTest, SaysWhatANameMayHaveMeant) {
  EXPECT_EQ(PathOf("serial@310000"),
            "test.dtb: there is no node 'serial@310000'; did you mean 'serial@3100000'?");
  EXPECT_EQ(PathOf("codec@1c"),
            "test.dtb: 2 nodes are called 'codec@1c'; write the path of one: "
            "/bus@0/i2c@1/codec@1c, /bus@0/spi@1/codec@1c");
  EXPECT_THAT(PathOf("serial"), HasSubstr("2 nodes are called 'serial'"));
  for (const char* name : {"", "/", "//", "lost", "/bus@0/nowhere", "bus@0/serial@3100000"}) {
    EXPECT_THAT(PathOf(name), HasSubstr("there is no node")) << name;
  }
}

TEST_F(TreeTest, ReadsProperties) {
  const Node& uarta = *tree_.FindPath("/bus@0/serial@3100000");
  EXPECT_THAT(uarta.Strings("compatible"), ElementsAre("nvidia,tegra194-hsuart", "other"));
  EXPECT_TRUE(uarta.IsCompatible("other"));
  EXPECT_FALSE(uarta.IsCompatible("othe"));
  EXPECT_THAT(uarta.Strings("none"), IsEmpty());
  EXPECT_EQ(uarta.Cell("status"), std::nullopt) << "5 bytes";
  EXPECT_EQ(tree_.root().Cell("#address-cells"), 2u);
  EXPECT_EQ(tree_.FindPhandle(77)->Path(), "/bus@0/serial@3140000");
  EXPECT_EQ(tree_.FindPhandle(78), nullptr);
  EXPECT_EQ(tree_.root().Path(), "/");
}

TEST_F(TreeTest, ANodeBelowADisabledOneIsDisabled) {
  EXPECT_TRUE(tree_.FindPath("/bus@0/serial@3100000")->IsEnabled());
  EXPECT_FALSE(tree_.FindPath("/bus@0/serial@3140000")->IsEnabled());
  EXPECT_FALSE(tree_.FindPath("/bus@0/i2c@1/codec@1c")->IsEnabled());
  EXPECT_TRUE(tree_.FindPath("/bus@0/spi@1/codec@1c")->IsEnabled());
}

TEST_F(TreeTest, NodesStayWhereTheyAreWhenTheTreeIsMoved) {
  const Node* const uarta = tree_.FindPath("/bus@0/serial@3100000");
  const Tree moved = std::move(tree_);
  EXPECT_EQ(moved.FindPath("/bus@0/serial@3100000"), uarta);
  EXPECT_EQ(uarta->Path(), "/bus@0/serial@3100000");
}

TEST(TreeFileTest, SaysWhatIsWrongWithAFile) {
  const auto message = [](const std::string& path) {
    return std::string(Tree::Read(path).status().message());
  };
  EXPECT_THAT(message("/nonexistent.dtb"), HasSubstr("can't read /nonexistent.dtb"));
  EXPECT_TRUE(absl::IsNotFound(Tree::Read("/nonexistent.dtb").status()));
  EXPECT_THAT(message("/tmp"), HasSubstr("/tmp is a directory"));
  EXPECT_THAT(message("/dev/zero"), HasSubstr("/dev/zero: is over 4 MiB"));
  EXPECT_THAT(message("/dev/null"), HasSubstr("/dev/null: is no compiled device tree"));
}

}  // namespace
}  // namespace bpmp::devicetree
