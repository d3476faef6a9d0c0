// SPDX-License-Identifier: Apache-2.0
// Every node of the AGX Orin device tree, as a table has them and as a tree made from that says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/compile_for_test.h"

namespace bpmp::devicetree {
namespace {

using Ids = std::vector<uint32_t>;

struct Row {
  std::string node;
  Ids clocks, resets, power_domains, assigned;
};

// "155:uarta 102:pllp_out0"
Ids ParseIds(const std::string& field) {
  Ids ids;
  for (const std::string& word :
       std::vector<std::string>(absl::StrSplit(field, ' ', absl::SkipEmpty()))) {
    ids.push_back(0);
    EXPECT_TRUE(absl::SimpleAtoi(word.substr(0, word.find(':')), &ids.back())) << word;
  }
  return ids;
}

// What stands behind the first two fields, node and compatible; the latter may be in quotes.
std::string AfterCompatible(const std::string& line) {
  const size_t quote = line.rfind('"');
  return line.substr(quote == std::string::npos ? line.find(',') + 2 : quote + 2);
}

std::vector<Row> ReadTable() {
  std::ifstream file(BPMP_T234_DEVICES);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "node,compatible,clocks,resets,power_domains,assigned_clocks\r");
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    line.pop_back();  // '\r'
    const std::vector<std::string> fields = absl::StrSplit(AfterCompatible(line), ',');
    EXPECT_EQ(fields.size(), 4u) << line;
    if (fields.size() != 4) continue;
    rows.push_back({line.substr(0, line.find(',')), ParseIds(fields[0]), ParseIds(fields[1]),
                    ParseIds(fields[2]), ParseIds(fields[3])});
  }
  return rows;
}

template <typename Id>
Ids IdsOf(const std::vector<Provided<Id>>& provided) {
  Ids ids;
  for (const Provided<Id>& one : provided) ids.push_back(one.id.value());
  return ids;
}

TEST(T234TreeTest, EveryNodeNeedsWhatTheTableSays) {
  const std::vector<Row> rows = ReadTable();
  ASSERT_EQ(rows.size(), 77u);
  const Tree tree = CompileTree(T234Source());
  const auto bpmp = FindBpmp(tree);
  ASSERT_TRUE(bpmp.ok()) << bpmp.status();
  std::set<std::string> known;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.node);
    known.insert(row.node);
    const Node* const node = tree.FindPath(row.node);
    ASSERT_NE(node, nullptr);
    const auto by_name = tree.Resolve(row.node.substr(row.node.rfind('/') + 1));
    ASSERT_TRUE(by_name.ok()) << by_name.status();
    EXPECT_EQ(*by_name, node);
    const auto use = UseOf(tree, **bpmp, *node);
    ASSERT_TRUE(use.ok()) << use.status();
    EXPECT_EQ(IdsOf(use->clocks), row.clocks);
    EXPECT_EQ(IdsOf(use->resets), row.resets);
    EXPECT_EQ(IdsOf(use->power_domains), row.power_domains);
    Ids assigned;
    for (const AssignedClock& one : use->assigned_clocks) assigned.push_back(one.clock.value());
    EXPECT_EQ(assigned, row.assigned);
  }
  for (const Node& node : tree.nodes()) {
    const auto use = UseOf(tree, **bpmp, node);
    ASSERT_TRUE(use.ok()) << use.status();
    EXPECT_EQ(!use->empty(), known.count(node.Path()) == 1) << node.Path();
  }
}

TEST(T234TreeTest, NamesOfClocksStayWithTheirs) {
  const Tree tree = CompileTree(T234Source());
  const auto bpmp = FindBpmp(tree);
  ASSERT_TRUE(bpmp.ok());
  const auto use = UseOf(tree, **bpmp, *tree.FindPath("/bus@0/serial@3100000"));
  ASSERT_TRUE(use.ok());
  ASSERT_EQ(use->clocks.size(), 1u);
  EXPECT_EQ(use->clocks[0].name, "uarta");
}

}  // namespace
}  // namespace bpmp::devicetree
