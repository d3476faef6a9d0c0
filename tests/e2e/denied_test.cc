// SPDX-License-Identifier: Apache-2.0
// A guest whose drivers ask for what its VM may not touch, without end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "qemu-client/tests/broker_process.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/e2e/process_check.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A device of this VM, and one in a power domain that isn't the VM's: Linux takes the refusal for
// something that passes, and tries the device again whenever another one is found.
constexpr char kNodes[] =
    "clocks = <&{/bpmp} 155>, <&{/bpmp} 102>; resets = <&{/bpmp} 100>; };"
    "denied { compatible = \"bpmp-broker,test-consumer\"; power-domains = <&{/bpmp} 29>;";
constexpr int kTries = 2000;

// What the log says of refusals.
struct Refusals {
  int64_t lines = 0;
  int64_t counted = 0;
};
Refusals RefusalsIn(const std::string& log) {
  Refusals refusals;
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    if (!absl::StrContains(line, "a was refused PG SET_STATE of power domain vic: EACCES")) {
      continue;
    }
    ++refusals.lines;
    const size_t more = line.rfind(" (");
    int64_t count = 1;
    if (more != absl::string_view::npos && absl::StrContains(line, " more within ")) {
      const absl::string_view number = line.substr(more + 2, line.find(' ', more + 2) - more - 2);
      EXPECT_TRUE(absl::SimpleAtoi(number, &count)) << line;
    }
    refusals.counted += count;
  }
  return refusals;
}

class DeniedTest : public E2eTest {
 protected:
  DeniedTest() : E2eTest("") {}

  client::BrokerProcess process_{"uarta"};
};

TEST_P(DeniedTest, IsRefusedTheLogIsReadableAndTheRestWorks) {
  process_.WaitUntilServing();
  const v1::ListResourcesResponse before = ResourcesOf(process_);
  const auto guest = BootConsumer(WithConsumer(MachineOn(process_.socket()), kNodes));
  ASSERT_NE(guest, nullptr);
  process_.WaitUntilLogged("was refused PG SET_STATE");
  guest->Run(absl::StrCat("n=0; while [ $n -lt ", kTries,
                          " ]; do echo denied 2> /dev/null > /sys/bus/platform/drivers_probe; "
                          "n=$((n + 1)); done"));
  EXPECT_EQ(guest->status(), 0);
  EXPECT_THAT(guest->Run("ls /sys/bus/platform/devices/denied/driver"), HasSubstr("No such file"));
  // Every refusal is accounted for, in few lines.
  Refusals refusals;
  process_.WaitUntilLog([&](const std::string& log) {
    refusals = RefusalsIn(log);
    return refusals.counted >= kTries;
  });
  EXPECT_LT(refusals.lines, refusals.counted / 20);
  EXPECT_THAT(process_.Log(), HasSubstr("a was refused PG SET_STATE of power domain vic: EACCES, "
                                        "the VM's policy doesn't allow it"));
  // Its own device doesn't mind.
  EXPECT_EQ(Consumer(guest.get(), "reset", "deassert 0"), 0);
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
  EXPECT_EQ(Consumer(guest.get(), "clk_rate", "0 51000000"), 0);
  EXPECT_THAT(guest->Run("cat /sys/bus/platform/devices/consumer/clk_rate"),
              HasSubstr("0 51000000 1"));
  EXPECT_THAT(Complaints(guest->KernelLog()), IsEmpty());
  EXPECT_THAT(Leftovers(process_, guest.get(), before), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Linux, DeniedTest, ::testing::ValuesIn(kPairs), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
