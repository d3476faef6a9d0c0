// SPDX-License-Identifier: Apache-2.0
// What a VM that is to leave may still do, and when it is free.
#include <optional>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Fate = FakeBackend::Fate;

class AdmissionTest : public ::testing::Test {
 protected:
  void Close(VmId vm) { rig_.core().SetAdmission(vm, Admission::kClosed); }
  bool Free(VmId vm) { return rig_.core().IsFree(vm); }

  Rig rig_;
};

TEST_F(AdmissionTest, AClosedVmTakesNothing) {
  Close(kEthVm);
  for (const mrq::Request& request :
       {PowerOn(kEthDomain), Enable(kEthApp), SetRate(kEthApp, 80 * kMHz),
        SetParent(kEthApp, kPllADiv), Deassert(kEthReset), Pulse(kEthPcsReset)}) {
    const Ticket ticket = rig_.Ask(kEthVm, request);
    EXPECT_EQ(rig_.ErrorOf(ticket), kAccess) << mrq::Describe(request);
    EXPECT_EQ(rig_.Of(ticket).reason, Reason::kDrained) << mrq::Describe(request);
    const Explanation said = rig_.core().Explain(kEthVm, request);
    EXPECT_EQ(said.reason, Reason::kDrained);
    EXPECT_EQ(said.error, kAccess);
    EXPECT_THAT(said.text, HasSubstr("bpmpctl vm undrain "));
  }
  EXPECT_THAT(rig_.Edges(), IsEmpty());
  EXPECT_EQ(rig_.observer().Count(EventKind::kDenied), 6u);
  EXPECT_EQ(rig_.observer().events.back().resource, Resource::Of(kEthPcsReset));
  EXPECT_TRUE(Free(kEthVm));
}

TEST_F(AdmissionTest, AClosedVmGivesUpAndReads) {
  for (const mrq::Request& request : {PowerOn(kEthDomain), Enable(kEthApp), Deassert(kEthReset)}) {
    EXPECT_EQ(rig_.Error(kEthVm, request), 0);
  }
  Close(kEthVm);
  EXPECT_FALSE(Free(kEthVm));
  EXPECT_TRUE(rig_.Votes(kEthVm, kEthApp));
  EXPECT_EQ(rig_.Error(kEthVm, GetRate(kEthApp)), 0);
  EXPECT_EQ(rig_.Error(kEthVm, Assert(kEthReset)), 0);
  EXPECT_EQ(rig_.Error(kEthVm, Disable(kEthApp)), 0);
  EXPECT_EQ(rig_.Error(kEthVm, PowerOff(kEthDomain)), 0);
  EXPECT_FALSE(rig_.Votes(kEthVm, kEthApp));
  rig_.Released(kEthVm);
  EXPECT_TRUE(Free(kEthVm));
}

TEST_F(AdmissionTest, AClosedVmTakesNoController) {
  constexpr PcieControllerId kController{5};
  Board board = MakeBoard();
  board.spec.vms[kUartVm.value() - 1].pcie_controllers = {{kController.value(), {}}};
  Rig rig(board);
  rig.core().SetAdmission(kUartVm, Admission::kClosed);
  for (const mrq::Request& request : {PcieOn(kController), PllOn(kController)}) {
    EXPECT_EQ(rig.Of(rig.Ask(kUartVm, request)).reason, Reason::kDrained) << mrq::Describe(request);
  }
  EXPECT_THAT(rig.Edges(), IsEmpty());
  EXPECT_TRUE(rig.core().IsFree(kUartVm));
}

// A kernel that reads a pinned clock's flags relies on the pin; one that may take nothing doesn't.
TEST_F(AdmissionTest, AClosedVmReliesOnNothingByReading) {
  Board board = MakeBoard();
  board.spec.pins.push_back({ResourceKind::kClock, "uart", std::nullopt, {}});
  Rig rig(board);
  const auto denied = [&] {
    const auto info = mrq::ReadClkInfo(*rig.Of(rig.Ask(kUartVm, GetInfo(kUart))).answer);
    EXPECT_TRUE(info.ok()) << info.status();
    return info.ok() && (info->flags & mrq::clk_flag::kStateChangeDenied) != 0;
  };
  rig.core().SetAdmission(kUartVm, Admission::kClosed);
  EXPECT_FALSE(denied());
  EXPECT_TRUE(rig.core().IsFree(kUartVm));
  rig.core().SetAdmission(kUartVm, Admission::kOpen);
  EXPECT_TRUE(denied());
  EXPECT_FALSE(rig.core().IsFree(kUartVm));
}

TEST_F(AdmissionTest, OthersAreNotConcerned) {
  Close(kEthVm);
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kUart)), 0);
  rig_.core().SetAdmission(kEthVm, Admission::kOpen);
  EXPECT_EQ(rig_.Error(kEthVm, Enable(kEthApp)), 0);
}

TEST_F(AdmissionTest, AVmThatLeavesGoesOnAndIsNotFree) {
  rig_.core().SetAdmission(kUartVm, Admission::kLeaving);
  EXPECT_FALSE(Free(kUartVm));
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kUart)), 0);
  rig_.Released(kUartVm);
  EXPECT_FALSE(Free(kUartVm));
  Close(kUartVm);
  EXPECT_TRUE(Free(kUartVm));
}

// A call that waits for a release is decided when that ends: by then the VM is closed.
TEST_F(AdmissionTest, WhatWaitsForTheReleaseIsRefusedAfterIt) {
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kUart)), 0);
  rig_.Release(kUartVm);
  const Ticket late = rig_.Ask(kUartVm, Enable(kUart));
  EXPECT_FALSE(rig_.Answered(late));
  Close(kUartVm);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(late), kAccess);
  EXPECT_TRUE(Free(kUartVm));
}

TEST_F(AdmissionTest, WhoeverHoldsSomethingIsNotFree) {
  EXPECT_TRUE(Free(kUartVm));
  const Ticket enable = rig_.Ask(kUartVm, Enable(kUart));
  EXPECT_FALSE(Free(kUartVm)) << "it may hold it in a moment";
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(enable), 0);
  EXPECT_FALSE(Free(kUartVm));
  rig_.Ask(kUartVm, Disable(kUart));
  EXPECT_FALSE(Free(kUartVm)) << "the vote is gone, and the clock still runs";
  rig_.RunAll();
  EXPECT_TRUE(Free(kUartVm));
  EXPECT_EQ(rig_.Error(kUartVm, Deassert(kUartReset)), 0);
  EXPECT_FALSE(Free(kUartVm));
  EXPECT_EQ(rig_.Error(kUartVm, Assert(kUartReset)), 0);
  rig_.Released(kUartVm);
  EXPECT_TRUE(Free(kUartVm));
}

TEST_F(AdmissionTest, AReleaseIsAwaitedAndSoIsItsTransferThatHangs) {
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kUart)), 0);
  rig_.Release(kUartVm);
  EXPECT_FALSE(Free(kUartVm));
  rig_.Overdue();
  EXPECT_FALSE(rig_.core().IsReleasing(kUartVm));
  EXPECT_FALSE(Free(kUartVm)) << "it may have its effect at any time";
  rig_.RunAll();
  EXPECT_TRUE(Free(kUartVm));
}

TEST_F(AdmissionTest, WhatIsInDoubtIsAwaitedUntilItIsQuarantined) {
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kUart)), 0);
  rig_.Ask(kUartVm, Disable(kUart));
  rig_.End(Fate::kFailed);
  rig_.RunAll();
  ASSERT_EQ(rig_.Status(kUart).gate, GateState::kUnknown);
  EXPECT_FALSE(Free(kUartVm));
  for (int i = 0; i < 10 && !rig_.Status(kUart).quarantined_for; ++i) {
    rig_.Maintain();
    if (rig_.in_flight() > 0) {
      rig_.End(Fate::kFailed);
    }
    rig_.RunAll();
  }
  ASSERT_EQ(rig_.Status(kUart).quarantined_for, kUartVm);
  EXPECT_TRUE(Free(kUartVm)) << "nothing more is going to happen to it";
}

TEST(AdmissionOfResidue, ItsOwnersReleaseIsAwaited) {
  Board board = MakeBoard();
  board.spec.vms[kGuestVm.value() - 1].clocks = {{"found", Access::kExclusive, {}}};
  Rig rig(board);
  ASSERT_TRUE(rig.Status(kFound).residue);
  EXPECT_FALSE(rig.core().IsFree(kGuestVm));
  EXPECT_TRUE(rig.core().IsFree(kUartVm));
  rig.Released(kGuestVm);
  EXPECT_TRUE(rig.core().IsFree(kGuestVm));
}

// The name's slot is the same.
TEST(AdmissionOfNames, WhoComesUnderTheNameIsAnotherVm) {
  Board board = MakeBoard();
  Rig rig(board);
  rig.core().SetAdmission(kUartVm, Admission::kClosed);
  PolicySpec without = board.spec;
  without.vms.erase(without.vms.begin() + kUartVm.value() - 1);
  ASSERT_TRUE(rig.Install(without).ok());
  ASSERT_TRUE(rig.Install(board.spec).ok());
  EXPECT_EQ(rig.Error(kUartVm, Enable(kUart)), 0);
}

}  // namespace
}  // namespace bpmp::core::testing
