// SPDX-License-Identifier: Apache-2.0
// A VM that is audit-only: what its policy denies is allowed and told, as far as a policy could
// allow it.
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/core/testing/snapshot.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The board, with spi nobody's own, and the VM that may use nothing audit-only or not.
Board FreeBoard() {
  Board board = MakeBoard();
  board.spec.vms[kSpiVm.value() - 1].devices.clear();
  board.spec.vms[kCan0Vm.value() - 1].clocks.push_back({"spi", Access::kVote, {}});
  return board;
}
Board AuditBoard() {
  Board board = FreeBoard();
  board.spec.vms[kGuestVm.value() - 1].audit_only = true;
  return board;
}

class AuditOnly : public ::testing::Test {
 protected:
  size_t Told() const { return rig_.observer().Count(EventKind::kWouldDeny); }
  mrq::ClkInfo Info(VmId vm, ClockId clock) {
    return *mrq::ReadClkInfo(rig_.Call(vm, GetInfo(clock)));
  }

  Rig rig_{AuditBoard()};
};

TEST_F(AuditOnly, WhatNobodyHasIsAllowedAndTold) {
  EXPECT_EQ(rig_.Error(kGuestVm, Enable(kSpi)), 0);
  EXPECT_TRUE(rig_.firmware().on(kSpi));
  EXPECT_EQ(rig_.Error(kGuestVm, SetRate(kSpi, 20 * kMHz)), 0);
  EXPECT_EQ(rig_.Error(kGuestVm, SetParent(kSpi, kClkM)), 0);
  EXPECT_EQ(rig_.Error(kGuestVm, PowerOn(kSpareDomain)), 0);
  EXPECT_EQ(rig_.Error(kGuestVm, Deassert(ResetId(0))), 0);
  EXPECT_EQ(Told(), 5u);
  const Event& first = *absl::c_find_if(rig_.observer().events, [](const Event& event) {
    return event.kind == EventKind::kWouldDeny;
  });
  EXPECT_EQ(first.vm, kGuestVm);
  EXPECT_EQ(first.resource, Resource::Of(kSpi));
  EXPECT_EQ(first.reason, Reason::kNotPermitted);
  EXPECT_EQ(first.error, kAccess);
  EXPECT_EQ(rig_.observer().Count(EventKind::kDenied), 0u);
  ExpectConsistent(&rig_);
}

TEST_F(AuditOnly, ItsReleaseUndoesThatToo) {
  rig_.Call(kGuestVm, Enable(kSpi));
  rig_.Call(kGuestVm, SetRate(kSpi, 20 * kMHz));
  rig_.Call(kGuestVm, Deassert(ResetId(0)));
  rig_.Released(kGuestVm);
  EXPECT_FALSE(rig_.firmware().on(kSpi));
  EXPECT_EQ(rig_.firmware().rate(kSpi), 50 * kMHz);
  EXPECT_EQ(rig_.firmware().asserted(ResetId(0)), true);
}

TEST_F(AuditOnly, WhatAnotherHasExclusivelyStaysHis) {
  EXPECT_EQ(rig_.Error(kGuestVm, Enable(kUart)), 0) << "a policy can give a vote on it";
  EXPECT_EQ(rig_.Error(kGuestVm, SetRate(kUart, 20 * kMHz)), kAccess);
  EXPECT_EQ(rig_.Error(kGuestVm, SetParent(kUart, kClkM)), kAccess);
  EXPECT_EQ(rig_.Error(kGuestVm, Assert(kUartReset)), kAccess);
  EXPECT_EQ(Told(), 1u);
  EXPECT_EQ(rig_.observer().Count(EventKind::kDenied), 3u);
}

TEST_F(AuditOnly, WhatAnotherUsesIsNotChangedUnderIt) {
  rig_.Call(kCan0Vm, Enable(kSpi));
  EXPECT_EQ(rig_.Error(kGuestVm, SetRate(kSpi, 20 * kMHz)), kBusy);
  EXPECT_EQ(rig_.Of(rig_.Ask(kGuestVm, SetRate(kSpi, 20 * kMHz))).reason, Reason::kOtherHolder);
  EXPECT_EQ(Told(), 0u);
  rig_.Call(kCan0Vm, Disable(kSpi));
  EXPECT_EQ(rig_.Error(kGuestVm, SetRate(kSpi, 20 * kMHz)), 0);
}

TEST_F(AuditOnly, TwoOfThemDontShareAReset) {
  Board board = AuditBoard();
  board.spec.audit_only = true;
  Rig rig(std::move(board));
  EXPECT_EQ(rig.Error(kGuestVm, Deassert(ResetId(0))), 0);
  EXPECT_EQ(rig.Error(kCan0Vm, Assert(ResetId(0))), kBusy);
  EXPECT_EQ(rig.firmware().asserted(ResetId(0)), false);
}

TEST_F(AuditOnly, WhatNoPolicyOpensStaysShut) {
  EXPECT_EQ(rig_.Error(kGuestVm, mrq::CpuNdivLimitsRequest{0}), kInval);
  EXPECT_EQ(rig_.Error(kGuestVm, mrq::UphyRequest{}), kInval) << "of a lane";
  EXPECT_EQ(rig_.Error(kGuestVm, Enable(kHole)), kInval);
  EXPECT_EQ(rig_.Error(kGuestVm, SetParent(kSpi, kOsc)), kAccess) << "no candidate";
  EXPECT_EQ(Told(), 0u);
}

TEST_F(AuditOnly, WhatAPolicyOptsInToIsAllowedAndTold) {
  EXPECT_EQ(rig_.Error(kGuestVm, Temperature(0)), 0);
  EXPECT_EQ(rig_.Error(kGuestVm, mrq::EmcDvfsLatencyRequest{}), 0);
  EXPECT_EQ(rig_.Error(kGuestVm, PcieOn(PcieControllerId(4))), 0);
  EXPECT_EQ(Told(), 3u);
  for (const mrq::Mrq mrq : {mrq::Mrq::kThermal, mrq::Mrq::kEmcDvfsLatency, mrq::Mrq::kUphy}) {
    const mrq::Response abi = rig_.Call(kGuestVm, mrq::QueryAbiRequest{static_cast<uint32_t>(mrq)});
    EXPECT_EQ(mrq::ReadU32(abi).value_or(1), 0u) << "a guest that is told otherwise never asks";
  }
  rig_.Released(kGuestVm);
  EXPECT_FALSE(rig_.firmware().on(PcieControllerId(4)));
}

TEST_F(AuditOnly, APcieControllerOfAnotherStaysHis) {
  Board board = AuditBoard();
  board.spec.vms[kUartVm.value() - 1].pcie_controllers = {{4, {}}};
  Rig rig(std::move(board));
  EXPECT_EQ(rig.Error(kGuestVm, PcieOn(PcieControllerId(4))), kAccess);
  EXPECT_EQ(rig.observer().Count(EventKind::kWouldDeny), 0u);
}

TEST_F(AuditOnly, ItsPolicyIsNotTold) {
  EXPECT_EQ(rig_.Error(kCan0Vm, Enable(kSpi)), 0);
  EXPECT_EQ(rig_.Error(kUartVm, SetRate(kSpi, 20 * kMHz)), kAccess) << "not this one";
  EXPECT_EQ(Told(), 0u);
}

TEST_F(AuditOnly, ItsGuestIsShownWhatItMay) {
  EXPECT_EQ(Info(kGuestVm, kSpi).flags & mrq::clk_flag::kRateParentChangeDenied, 0u);
  EXPECT_EQ(Info(kGuestVm, kSpi).num_parents, 3);
  EXPECT_NE(Info(kGuestVm, kUart).flags & mrq::clk_flag::kRateParentChangeDenied, 0u);
}

TEST_F(AuditOnly, HidesNothing) {
  Board board = AuditBoard();
  board.spec.vms[kGuestVm.value() - 1].hide_ids = true;
  Rig rig(std::move(board));
  EXPECT_EQ(rig.Error(kGuestVm, GetInfo(kVic)), 0);
}

TEST_F(AuditOnly, IsExplained) {
  const Explanation allowed = rig_.core().Explain(kGuestVm, Enable(kSpi));
  EXPECT_EQ(allowed.error, 0);
  EXPECT_THAT(allowed.text, HasSubstr("guest-vm is audit-only: by its policy it would be refused: "
                                      "the VM's policy doesn't allow it."));
  EXPECT_THAT(rig_.core().Explain(kGuestVm, Assert(kUartReset)).text, Not(HasSubstr("audit-only")));
}

TEST_F(AuditOnly, EndsWithAPolicyThatIsEnforced) {
  rig_.Call(kGuestVm, Enable(kI2c));
  rig_.Call(kGuestVm, Enable(kCan1));
  const PolicyDifference difference = rig_.core().Compare(CompileOrDie(FreeBoard()));
  ASSERT_EQ(difference.vms.size(), 1u);
  EXPECT_THAT(difference.vms[0].unallowed, ElementsAre(Resource::Of(kI2c), Resource::Of(kCan1)));
  ASSERT_TRUE(rig_.Install(FreeBoard().spec, Core::Unallowed::kDrop).ok());
  rig_.RunAll();
  EXPECT_THAT(rig_.Holders(kI2c), IsEmpty());
  EXPECT_EQ(rig_.Error(kGuestVm, Enable(kI2c)), kAccess);
}

}  // namespace
}  // namespace bpmp::core::testing
