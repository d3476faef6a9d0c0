// SPDX-License-Identifier: Apache-2.0
// A broker that is killed and started again, while the hardware goes on and guests use it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

constexpr char kVicNode[] =
    "clocks = <&{/bpmp} 167>; resets = <&{/bpmp} 113>; power-domains = <&{/bpmp} 29>;";

class RestartTest : public E2eTest {
 protected:
  RestartTest()
      : E2eTest(R"(vms { name: "stays" devices { device: "uarta" } }
                   vms { name: "dies" devices { device: "vic" } })") {}

  // It is on, and its owner's, who hasn't said anything yet.
  bool IsResidue(core::Resource resource) {
    return broker_.engine().Read(
        [&](const core::Core& core) { return core.Status(resource)->residue; });
  }
};

TEST_P(RestartTest, WhoLivesHasItsVotesAndWhatTheDeadHeldStaysOn) {
  const auto stays = BootConsumer(WithConsumer(Machine("stays"), kUartaNode));
  const auto dies = BootConsumer(WithConsumer(Machine("dies"), kVicNode));
  ASSERT_TRUE(stays != nullptr && dies != nullptr);
  ASSERT_EQ(Consumer(stays.get(), "clk_enable", "0"), 0);
  ASSERT_EQ(Consumer(dies.get(), "domain", "1"), 0);
  ASSERT_EQ(Consumer(dies.get(), "clk_enable", "0"), 0);

  const uint64_t edges = Edges();
  broker_.Crash();
  dies->qemu().Kill();
  EXPECT_NE(Consumer(stays.get(), "reset", "deassert 0"), 0) << "nobody is there";
  EXPECT_TRUE(ClockOn(kUartaClock));
  EXPECT_TRUE(ClockOn(kVicClock));
  broker_.Restart();

  UntilConsumerCan(stays.get(), "reset", "deassert 0");
  EXPECT_TRUE(broker_.Holds("stays", ClockId(kUartaClock)));
  EXPECT_TRUE(ClockOn(kUartaClock));
  EXPECT_EQ(Edges(), edges + 1) << "the reset: neither an end nor taking over what runs is an edge";
  EXPECT_TRUE(IsResidue(core::Resource::Of(ClockId(kVicClock))));
  EXPECT_TRUE(IsResidue(core::Resource::Of(DomainId(kVicDomain))));
  EXPECT_TRUE(ClockOn(kVicClock));
  EXPECT_TRUE(DomainOn(kVicDomain));
  ExpectModelIsHeld();

  // Who had it comes back: it is its own again, until it lets go.
  const auto again = BootConsumer(WithConsumer(Machine("dies"), kVicNode));
  ASSERT_NE(again, nullptr);
  ASSERT_EQ(Consumer(again.get(), "domain", "1"), 0);
  ASSERT_EQ(Consumer(again.get(), "clk_enable", "0"), 0);
  EXPECT_EQ(Consumer(again.get(), "clk_disable", "0"), 0);
  EXPECT_EQ(Consumer(again.get(), "domain", "0"), 0);
  EXPECT_FALSE(ClockOn(kVicClock));
  EXPECT_FALSE(DomainOn(kVicDomain));
  EXPECT_EQ(Consumer(stays.get(), "clk_disable", "0"), 0);
  EXPECT_FALSE(ClockOn(kUartaClock));
}

INSTANTIATE_TEST_SUITE_P(Linux, RestartTest, ::testing::ValuesIn(kPairs), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
