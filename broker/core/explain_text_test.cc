// SPDX-License-Identifier: Apache-2.0
// What Explain() says for each rule, word for word: people and scripts read it.
#include <functional>
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Board Limited() {
  Board board = MakeBoard();
  board.spec.vms[kCan0Vm.value() - 1].rate_limits = {{"lane", 50 * kMHz, 80 * kMHz, {}}};
  return board;
}

class ExplainText : public ::testing::Test {
 protected:
  std::string Say(VmId vm, const mrq::Request& request) {
    said_ = rig_.core().Explain(vm, request);
    return said_.text;
  }

  Rig rig_{Limited()};
  Explanation said_;
};

TEST_F(ExplainText, OfWhatTheBrokerAnswers) {
  EXPECT_EQ(Say(kUartVm, mrq::PingRequest{}), "Allowed: the broker answers this itself.");
  EXPECT_EQ(Say(kUartVm, mrq::UphyRequest{}), "Refused with EINVAL: no VM may use this request.");
  EXPECT_EQ(Say(kUartVm, Pg(mrq::PgCmd::kQueryAbi, DomainId(), 5)),
            "Refused with EBADCMD: the broker answers this itself.");
  EXPECT_EQ(Say(VmId(kAgents), mrq::PingRequest{}), "There is no such VM.");
}

TEST_F(ExplainText, OfReads) {
  EXPECT_EQ(Say(kGuestVm, GetRate(kUart)),
            "Allowed: the VM may read it. guest-vm has 'get' on uart.");
  EXPECT_FALSE(said_.edge);
  EXPECT_EQ(Say(kGuestVm, IsEnabled(kGpu)),
            "Allowed: the answer is the VM's own vote. guest-vm has 'none' on gpu.");
  EXPECT_EQ(Say(kGuestVm, RoundRate(kUart, kMHz)),
            "Allowed: the VM may not set the rate, so the answer is the current one. guest-vm has "
            "'get' on uart.");
  EXPECT_EQ(Say(kUartVm, Pg(mrq::PgCmd::kGetName, kEthDomain)),
            "Allowed: the VM may read it. uart-vm has 'none' on eth.");
}

TEST_F(ExplainText, OfVotes) {
  EXPECT_EQ(Say(kUartVm, Enable(kUart)),
            "Allowed: the hardware is called. uart-vm has 'exclusive' on uart.");
  EXPECT_TRUE(said_.edge);
  EXPECT_EQ(Say(kUartVm, Disable(kPllADiv)),
            "Allowed: the VM has no vote to drop, so nothing changes. uart-vm has 'vote' on "
            "plla_div, as an ancestor of a clock that it may use.");
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(Say(kUartVm, Enable(kUart)),
            "Allowed: only the vote changes: others keep the hardware as it is. uart-vm has "
            "'exclusive' on uart. Held by spi-vm.");
  EXPECT_FALSE(said_.edge);
  EXPECT_THAT(said_.others, ElementsAre(kSpiVm));
  EXPECT_EQ(Say(kSpiVm, Enable(kUart)),
            "Allowed: the VM votes for it already. spi-vm has 'vote' on uart.");
  EXPECT_THAT(said_.others, IsEmpty());
}

TEST_F(ExplainText, OfWhatIsNotPermitted) {
  EXPECT_EQ(Say(kUartVm, Enable(kGpu)),
            "Refused with EACCES: the VM's policy doesn't allow it. uart-vm has 'none' on gpu. To "
            "allow it, give uart-vm the device that uses gpu, or gpu itself, in its policy.");
  EXPECT_EQ(said_.error, -13);
  EXPECT_EQ(Say(kUartVm, Deassert(kSpiReset)),
            "Refused with EACCES: the VM's policy doesn't allow it. uart-vm has 'none' on spi. To "
            "allow it, give uart-vm the device that uses spi, or spi itself, in its policy.");
  EXPECT_EQ(Say(kUartVm, SetParent(kUart, kPllA)),
            "Refused with EACCES: the new parent is no candidate of the clock, or the VM may not "
            "use it. uart-vm has 'exclusive' on uart.");
}

TEST_F(ExplainText, OfWhatIsNotThere) {
  EXPECT_EQ(Say(kUartVm, Enable(kHole)),
            "Refused with EINVAL: there is no such id. The firmware has no clock 13, or it is "
            "hidden from this VM.");
  EXPECT_EQ(Say(kUartVm, Pg(mrq::PgCmd::kGetName, DomainId(9))),
            "Refused with EINVAL: there is no such id. The firmware has no power domain 9, or it "
            "is hidden from this VM.");
  EXPECT_EQ(Say(kUartVm, Assert(ResetId(9))),
            "Refused with EINVAL: there is no such id. The firmware has no reset 9, or it is "
            "hidden from this VM.");
}

TEST_F(ExplainText, OfArguments) {
  EXPECT_EQ(Say(kUartVm, SetRate(kUart, 0)),
            "Refused with EINVAL: a value is out of range. uart-vm has 'exclusive' on uart.");
  EXPECT_EQ(Say(kEthVm, Pg(mrq::PgCmd::kSetState, kEthDomain, 7)),
            "Refused with EINVAL: a value is out of range. eth-vm has 'exclusive' on eth.");
  EXPECT_EQ(Say(kEthVm, Pg(mrq::PgCmd::kSetState, DomainId(9), 7)),
            "Refused with EINVAL: a value is out of range. The firmware has no power domain 9, or "
            "it is hidden from this VM.");
}

TEST_F(ExplainText, OfRatesAndParentsThatAreAsAsked) {
  EXPECT_EQ(Say(kUartVm, SetRate(kUart, kUartBootRate)),
            "Allowed: the clock already has this rate. uart-vm has 'exclusive' on uart.");
  EXPECT_EQ(Say(kUartVm, SetParent(kUart, kPllADiv)),
            "Allowed: the clock already has this parent. uart-vm has 'exclusive' on uart.");
}

TEST_F(ExplainText, OfRatePolicies) {
  EXPECT_EQ(Say(kCan0Vm, SetRate(kI2c, kMHz)),
            "Refused with EACCES: the VM's policy doesn't allow it. can0-vm has 'vote' on i2c. To "
            "allow it, give can0-vm the device that uses i2c, or i2c itself, in its policy.");
  rig_.Call(kCan0Vm, SetRate(kLink, 20 * kMHz));
  EXPECT_EQ(Say(kCan1Vm, SetRate(kLink, 30 * kMHz)),
            "Refused with EBUSY: the clock's rate policy is 'first', and another VM came first. "
            "can1-vm has 'vote' on link. In the way: can0-vm.");
  EXPECT_THAT(said_.others, ElementsAre(kCan0Vm));
  rig_.Call(kCan0Vm, SetRate(kLane, 60 * kMHz));
  EXPECT_EQ(Say(kCan1Vm, SetRate(kLane, 90 * kMHz)),
            "Refused with EBUSY: no rate is within everybody's limits. can1-vm has 'vote' on "
            "lane. In the way: can0-vm.");
}

TEST_F(ExplainText, OfTheHostsPins) {
  rig_.Call(kHost, Enable(kUart));
  rig_.Call(kHost, SetRate(kUart, 30 * kMHz));
  EXPECT_EQ(Say(kUartVm, SetRate(kUart, kMHz)),
            "Refused with EBUSY: the host pinned the rate. uart-vm has 'exclusive' on uart. Held "
            "by host. In the way: host.");
  EXPECT_THAT(said_.others, ElementsAre(kHost));
}

TEST_F(ExplainText, OfAnotherHolder) {
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(Say(kUartVm, SetParent(kUart, kClkM)),
            "Refused with EBUSY: another VM or the host holds it. uart-vm has 'exclusive' on "
            "uart. Held by spi-vm. In the way: spi-vm.");
}

TEST_F(ExplainText, OfResets) {
  EXPECT_EQ(Say(kVicVm, Assert(kVideoReset)),
            "Allowed: the reset line is driven. vic-vm has 'exclusive' on video.");
  rig_.Call(kNvdecVm, Deassert(kVideoReset));
  EXPECT_EQ(Say(kVicVm, Assert(kVideoReset)),
            "Allowed: another VM wants this shared reset deasserted. vic-vm has 'exclusive' on "
            "video.");
}

TEST_F(ExplainText, OfQuarantine) {
  rig_.Call(kSpiVm, Enable(kUart));
  rig_.Release(kSpiVm);
  while (rig_.in_flight() > 0) rig_.End(FakeBackend::Fate::kRefused);
  EXPECT_EQ(Say(kUartVm, Enable(kUart)),
            "Refused with EBUSY: a release failed on it; an administrator must clear it first. "
            "uart-vm has 'exclusive' on uart. In the way: spi-vm.");
}

}  // namespace
}  // namespace bpmp::core::testing
