// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace bpmp::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr size_t kAll = std::numeric_limits<size_t>::max();

Sample At(int seconds) {
  Sample sample;
  sample.at = absl::UnixEpoch() + absl::Seconds(seconds);
  sample.status.set_version("1.2.3");
  sample.status.set_backend("sim");
  sample.status.set_backend_healthy(true);
  return sample;
}

void AddVm(Sample* sample, const std::string& name, uint64_t session, uint64_t requests) {
  v1::Vm* const vm = sample->vms.add_vms();
  vm->set_name(name);
  vm->mutable_session()->set_id(session);
  vm->mutable_session()->set_connected(true);
  vm->mutable_session()->set_requests(requests);
  sample->status.set_vms(sample->status.vms() + 1);
  sample->status.set_sessions(sample->status.sessions() + 1);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  EXPECT_THAT(lines.back(), IsEmpty());
  lines.pop_back();
  return lines;
}

TEST(TopViewTest, TheBusiestFirstWithWhatTheyAskedSince) {
  Sample before = At(10);
  AddVm(&before, "quiet", 1, 700);
  AddVm(&before, "busy", 2, 100);
  Sample now = At(12);
  AddVm(&now, "quiet", 1, 703);
  AddVm(&now, "busy", 2, 1100);
  EXPECT_THAT(
      Lines(TopText(before, now, kAll, Style())),
      ElementsAre(
          "bpmp-broker 1.2.3, 2 of 2 VMs connected, 502 requests/s; backend sim: 0 running, 0 "
          "waiting",
          "", "VM     REQUESTS/S  WAITING  CLOCKS  DOMAINS  TOTAL  SESSION",
          "busy          500        0       0        0   1100  connected",
          "quiet         1.5        0       0        0    703  connected"));
}

TEST(TopViewTest, ANewSessionCountsFromItsBeginning) {
  Sample before = At(0);
  AddVm(&before, "a", 1, 5000);
  Sample now = At(1);
  AddVm(&now, "a", 2, 40);
  EXPECT_THAT(TopText(before, now, kAll, Style()), HasSubstr("\na           40 "));
}

TEST(TopViewTest, NoMoreLinesThanTheTerminalHas) {
  Sample before = At(0);
  Sample now = At(1);
  for (int i = 0; i < 20; ++i) AddVm(&now, absl::StrCat("vm", i + 10), 1, 0);
  const auto lines = Lines(TopText(before, now, 8, Style()));
  EXPECT_EQ(lines.size(), 8U);
  EXPECT_THAT(lines[3], StartsWith("vm10 "));
  EXPECT_EQ(lines.back(), "... and 16 more");
  EXPECT_EQ(Lines(TopText(before, now, 23, Style())).size(), 23U);
  EXPECT_EQ(Lines(TopText(before, now, 23, Style())).back().substr(0, 4), "vm29");
  // In the smallest, what is wrong with the broker goes before the VMs.
  for (size_t height : {1, 2, 3}) {
    EXPECT_THAT(Lines(TopText(before, now, height, Style())),
                ElementsAre(StartsWith("bpmp-broker")));
  }
  EXPECT_EQ(Lines(TopText(before, now, 4, Style())).back(), "... and 20 more");
}

TEST(TopViewTest, APictureFillsTheTerminalAndScrollsNothingAway) {
  // From the corner, nothing wrapped, each line's rest and the screen's cleared, no end of the
  // last.
  EXPECT_EQ(OverLast("first\nlast\n"), "\x1b[H\x1b[?7lfirst\x1b[K\nlast\x1b[K\x1b[J\x1b[?7h");
}

TEST(TopViewTest, SaysWhatIsWrong) {
  Sample now = At(1);
  now.status.set_backend_healthy(false);
  now.status.set_transfers_overdue(2);
  now.status.set_quarantined(1);
  EXPECT_THAT(TopText(At(0), now, kAll, Style()),
              StartsWith("bpmp-broker 1.2.3, NOT ANSWERING, 2 overdue, 1 in quarantine, 0 of "));
}

}  // namespace
}  // namespace bpmp::ctl
