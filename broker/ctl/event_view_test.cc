// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/event_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "broker/ctl/audit_view.h"
#include "google/protobuf/text_format.h"

namespace bpmp::ctl {
namespace {

constexpr Style kPlain = {false, false};

v1::Event FromText(const std::string& text) {
  v1::Event event;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event)) << text;
  return event;
}

TEST(EventLine, IsOneLine) {
  const auto event = FromText(
      "number: 42 time { seconds: 1700000000 nanos: 5000000 } kind: 'vote' vm: 'net-vm' "
      "text: 'net-vm votes for clock uarta'");
  EXPECT_EQ(EventLine(event, absl::UTCTimeZone(), kPlain),
            "22:13:20.005  #42    net-vm      vote             net-vm votes for clock uarta\n");
  const auto gap = FromText(
      "number: 9 lost: 3 kind: 'denied' resource_name: 'uarta' other: 'gpu-vm' error: -16 "
      "time { seconds: 1700000000 }");
  EXPECT_EQ(EventLine(gap, absl::UTCTimeZone(), kPlain),
            "22:13:20.000  #9     -           denied           uarta, gpu-vm, EBUSY (another "
            "holder)\n");
  const auto hostile = FromText("kind: 'x' vm: 'a' text: 'client \\033[2J\\nspoofed'");
  EXPECT_EQ(EventLine(hostile, absl::UTCTimeZone(), kPlain).find('\x1b'), std::string::npos);
  EXPECT_EQ(EventLine(hostile, absl::UTCTimeZone(), kPlain).find('\n'),
            EventLine(hostile, absl::UTCTimeZone(), kPlain).size() - 1);
}

TEST(GapLine, SaysWhyEventsAreMissing) {
  EXPECT_EQ(GapLine(3, Gap::kTooSlow, kPlain), "(3 events lost: this watcher is too slow)\n");
  EXPECT_EQ(GapLine(1, Gap::kForgotten, kPlain), "(1 event before this: no longer remembered)\n");
}

TEST(EventKinds, AreThoseOfTheManual) {
  std::ifstream manual(std::string(BPMP_SOURCE_DIR) + "/docs/operations.md");
  std::vector<std::string> kinds;
  for (std::string line; std::getline(manual, line);) {
    if (line.rfind("| `", 0) == 0) {
      kinds.push_back(line.substr(3, line.find('`', 3) - 3));
    }
  }
  EXPECT_THAT(EventKinds(), testing::UnorderedElementsAreArray(kinds));
  // What isn't a decision is the ordinary use of a device.
  kinds.erase(std::remove_if(kinds.begin(), kinds.end(), IsDecision), kinds.end());
  EXPECT_THAT(kinds, testing::UnorderedElementsAre("vote", "edge", "endpoint-pll", "rate", "parent",
                                                   "moved", "reset"));
}

}  // namespace
}  // namespace bpmp::ctl
