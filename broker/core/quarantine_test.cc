// SPDX-License-Identifier: Apache-2.0
// What a failed release leaves in doubt is kept from everybody but the VM that it was, and the
// host, whatever they ask.
#include <cstdint>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using Fate = FakeBackend::Fate;

class QuarantineTest : public ::testing::Test {
 protected:
  // Releases the VM, and the firmware refuses every step.
  void FailRelease(VmId vm) {
    rig_.Release(vm);
    while (rig_.in_flight() > 0) rig_.End(Fate::kRefused);
  }
  // uart, which uart-vm owns, for spi-vm.
  void QuarantineUart() {
    rig_.Call(kSpiVm, Enable(kUart));
    FailRelease(kSpiVm);
    EXPECT_EQ(rig_.Status(kUart).quarantined_for, kSpiVm);
  }
  void ExpectRefused(VmId vm, const mrq::Request& request, VmId for_whom) {
    const Ticket ticket = rig_.Ask(vm, request);
    ASSERT_TRUE(rig_.Answered(ticket)) << mrq::Describe(request);
    EXPECT_EQ(rig_.ErrorOf(ticket), kBusy) << mrq::Describe(request);
    EXPECT_EQ(rig_.Of(ticket).reason, Reason::kQuarantined) << mrq::Describe(request);
    EXPECT_EQ(rig_.observer().events.back().kind, EventKind::kConflict);
    EXPECT_EQ(rig_.observer().events.back().other, for_whom);
  }

  Rig rig_;
};

TEST_F(QuarantineTest, OfAClockIsFromVoteRateAndParent) {
  QuarantineUart();
  ExpectRefused(kUartVm, Enable(kUart), kSpiVm);
  ExpectRefused(kUartVm, SetRate(kUart, 20 * kMHz), kSpiVm);
  ExpectRefused(kUartVm, SetParent(kUart, kClkM), kSpiVm);
  EXPECT_EQ(mrq::ReadRate(rig_.Call(kUartVm, RoundRate(kUart, 20 * kMHz))).value_or(0),
            kUartBootRate);
}

TEST_F(QuarantineTest, OfAResetIsFromEveryCommand) {
  rig_.Call(kVicVm, PowerOn(kVideoDomain));
  rig_.Call(kVicVm, Deassert(kVideoReset));
  FailRelease(kVicVm);
  EXPECT_EQ(rig_.Status(kVideoReset).quarantined_for, kVicVm);
  for (const mrq::Request& request :
       {Assert(kVideoReset), Deassert(kVideoReset), Pulse(kVideoReset)}) {
    ExpectRefused(kNvdecVm, request, kVicVm);
  }
  ExpectRefused(kNvdecVm, PowerOn(kVideoDomain), kVicVm);
  EXPECT_EQ(rig_.Error(kVicVm, Assert(kVideoReset)), 0);
}

TEST_F(QuarantineTest, IsNotFromTheVmItself) {
  QuarantineUart();
  EXPECT_EQ(rig_.Error(kSpiVm, Enable(kUart)), 0);
  EXPECT_THAT(rig_.Holders(kUart), ElementsAre(kSpiVm));
}

TEST_F(QuarantineTest, IsNotFromTheHost) {
  QuarantineUart();
  EXPECT_EQ(rig_.Error(kHost, SetRate(kUart, 20 * kMHz)), 0);
  EXPECT_EQ(rig_.Error(kHost, SetParent(kUart, kClkM)), 0);
}

TEST_F(QuarantineTest, EndsWhenItIsCleared) {
  QuarantineUart();
  EXPECT_TRUE(rig_.ClearQuarantine(Resource::Of(kUart)).ok());
  rig_.RunAll();
  EXPECT_EQ(rig_.Error(kUartVm, SetRate(kUart, 20 * kMHz)), 0);
  EXPECT_EQ(rig_.Error(kUartVm, SetParent(kUart, kClkM)), 0);
}

}  // namespace
}  // namespace bpmp::core::testing
