// SPDX-License-Identifier: Apache-2.0
// Trees that somebody made to harm, or that broke on their way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libfdt.h>

#include <string>
#include <vector>

#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/compile_for_test.h"
#include "broker/devicetree/tree.h"

namespace bpmp::devicetree {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::string& bytes) {
  const auto tree = Tree::Parse(bytes, "x.dtb");
  return tree.ok() ? "parsed" : std::string(tree.status().message());
}

// Trees that dtc doesn't write.
class Writer {
 public:
  Writer() : blob_(kMaxBytes * 2) {
    Check(fdt_create(blob_.data(), static_cast<int>(blob_.size())));
    Check(fdt_finish_reservemap(blob_.data()));
    Begin("");
  }
  Writer& Begin(const std::string& name) {
    Check(fdt_begin_node(blob_.data(), name.c_str()));
    return *this;
  }
  Writer& Add(const std::string& property, const std::string& value) {
    Check(
        fdt_property(blob_.data(), property.c_str(), value.data(), static_cast<int>(value.size())));
    return *this;
  }
  Writer& End() {
    Check(fdt_end_node(blob_.data()));
    return *this;
  }
  // The root's end, too.
  std::string Finish() {
    End();
    Check(fdt_finish(blob_.data()));
    return {blob_.data(), fdt_totalsize(blob_.data())};
  }

 private:
  static void Check(int error) { ASSERT_EQ(error, 0) << fdt_strerror(error); }
  std::vector<char> blob_;
};

void SetWord(std::string* bytes, size_t offset, uint32_t value) {
  fdt32_st(bytes->data() + offset, value);
}

TEST(HostileTreeTest, IsNoTree) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("x.dtb: is no compiled device tree: it is too short"));
  EXPECT_THAT(ErrorOf(std::string(64, 'x')), HasSubstr("dtc -I dts -O dtb"));
  EXPECT_THAT(ErrorOf("/dts-v1/; / { model = \"a source, not what dtc makes of it\"; };"),
              HasSubstr("sources are compiled by"));
  EXPECT_THAT(ErrorOf(std::string(kMaxBytes + 1, '\0')), HasSubstr("is over 4 MiB"));
}

// Lengths near 2^32 would lead libfdt back, and around for ever.
TEST(HostileTreeTest, APropertyIsNoLongerThanTheTree) {
  const std::string whole = Writer().Add("model", "x").Finish();
  const size_t property = fdt_off_dt_struct(whole.data()) + 8;  // behind the root's tag and name
  ASSERT_EQ(fdt32_ld(reinterpret_cast<const fdt32_t*>(whole.data() + property)),
            static_cast<uint32_t>(FDT_PROP));
  for (const uint32_t length : {0xffff'fff4u, 0xffff'fff8u, 0xffff'ffffu, 0x8000'0000u, 100u}) {
    std::string bytes = whole;
    SetWord(&bytes, property + 4, length);
    EXPECT_THAT(ErrorOf(bytes), HasSubstr("is longer than the tree")) << length;
  }
}

TEST(HostileTreeTest, EveryPrefixIsRefusedOrRead) {
  const std::string whole = Compile(BoardSource("device { clocks = <&bpmp 1>; };"));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(ErrorOf(whole.substr(0, size)), "parsed") << size;
  }
  EXPECT_EQ(ErrorOf(whole), "parsed");
  EXPECT_EQ(ErrorOf(whole + std::string(100, '\0')), "parsed") << "boot loaders leave room";
}

TEST(HostileTreeTest, EveryFlippedByteIsRefusedOrRead) {
  const std::string whole = Compile(BoardSource("device { clocks = <&bpmp 1>; };"));
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0xff);
    const auto tree = Tree::Parse(bytes, "x.dtb");
    if (!tree.ok()) continue;
    const auto bpmp = FindBpmp(*tree);
    for (const Node& node : tree->nodes()) {
      if (bpmp.ok()) UseOf(*tree, **bpmp, node).IgnoreError();
    }
  }
}

TEST(HostileTreeTest, HeadersLie) {
  std::string bytes = Compile(BoardSource(""));
  SetWord(&bytes, offsetof(fdt_header, version), 3);
  EXPECT_THAT(ErrorOf(bytes), HasSubstr("has format 3, not 17"));
  bytes = Compile(BoardSource(""));
  SetWord(&bytes, offsetof(fdt_header, size_dt_strings), 0x7fffffff);
  EXPECT_THAT(ErrorOf(bytes), HasSubstr("has a broken header"));
  bytes = Compile(BoardSource(""));
  SetWord(&bytes, offsetof(fdt_header, totalsize), 0x7fffffff);
  EXPECT_THAT(ErrorOf(bytes), HasSubstr("is cut off"));
}

TEST(HostileTreeTest, DepthIsBounded) {
  const auto nested = [](int levels) {
    Writer writer;
    for (int i = 1; i < levels; ++i) writer.Begin("n");
    for (int i = 1; i < levels; ++i) writer.End();
    return writer.Finish();
  };
  EXPECT_EQ(ErrorOf(nested(kMaxDepth)), "parsed");
  EXPECT_EQ(ErrorOf(nested(kMaxDepth + 1)), "x.dtb: is nested over 32 levels deep");
}

TEST(HostileTreeTest, NodesAreBounded) {
  const auto wide = [](size_t nodes) {
    Writer writer;
    for (size_t i = 1; i < nodes; ++i) writer.Begin("n").End();
    return writer.Finish();
  };
  EXPECT_EQ(ErrorOf(wide(kMaxNodes)), "parsed");
  EXPECT_EQ(ErrorOf(wide(kMaxNodes + 1)), "x.dtb: has over 16384 nodes");
}

TEST(HostileTreeTest, NamesAreBounded) {
  EXPECT_EQ(ErrorOf(Writer().Add(std::string(kMaxNameLength, 'p'), "").Finish()), "parsed");
  EXPECT_THAT(ErrorOf(Writer().Add(std::string(kMaxNameLength + 1, 'p'), "").Finish()),
              HasSubstr("a property whose name is over 127 characters"));
  EXPECT_EQ(ErrorOf(Writer().Begin(std::string(kMaxNameLength, 'n')).End().Finish()), "parsed");
  EXPECT_THAT(ErrorOf(Writer().Begin(std::string(kMaxNameLength + 1, 'n')).End().Finish()),
              HasSubstr("x.dtb: /: the name of a node in it"));
}

TEST(HostileTreeTest, NamesAreFitForATerminalAndForSources) {
  for (const char* name : {"a\n", "a b", "a\"", "a;", "a{", "\x1b[2J", "\xff", "a\\", "@1@"}) {
    EXPECT_THAT(ErrorOf(Writer().Begin("bus").Begin(name).End().End().Finish()),
                HasSubstr("x.dtb: /bus: the name of a node in it"))
        << name;
    EXPECT_THAT(ErrorOf(Writer().Begin("bus").Add(name, "").End().Finish()),
                HasSubstr("x.dtb: /bus: a property of it"))
        << name;
  }
}

TEST(HostileTreeTest, APhandleOfTwoNodesIsNobodys) {
  const std::string phandle("\0\0\0\7", 4);
  const auto tree = Tree::Parse(Writer()
                                    .Begin("a")
                                    .Add("phandle", phandle)
                                    .End()
                                    .Begin("b")
                                    .Add("phandle", phandle)
                                    .End()
                                    .Finish(),
                                "x.dtb");
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_EQ(tree->FindPhandle(7), nullptr);
}

TEST(HostileTreeTest, OfTwoNodesWithOnePathTheSecondHasNoName) {
  const auto tree = Tree::Parse(Writer().Begin("a").End().Begin("a").End().Finish(), "x.dtb");
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_THAT(tree->NamesOf(tree->nodes()[1]), testing::ElementsAre("/a"));
  EXPECT_THAT(tree->NamesOf(tree->nodes()[2]), testing::IsEmpty());
}

TEST(HostileTreeTest, AnOverlayIsNoTree) {
  EXPECT_THAT(ErrorOf(Compile("/dts-v1/; /plugin/; &uarta { clocks = <&bpmp 1>; };")),
              HasSubstr("x.dtb: is an overlay; apply it first"));
  EXPECT_THAT(ErrorOf(Compile("/dts-v1/; /plugin/; &{/} { a { }; };")),
              HasSubstr("x.dtb: is an overlay; apply it first"));
}

}  // namespace
}  // namespace bpmp::devicetree
