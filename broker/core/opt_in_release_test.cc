// SPDX-License-Identifier: Apache-2.0
// A VM's PCIe controllers when it goes, when its policy changes, and when the firmware fails.
#include <string>
#include <utility>
#include <vector>

#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Fate = FakeBackend::Fate;

constexpr PcieControllerId kPcie{5};

Board Owned(VmId owner) {
  Board board = MakeBoard();
  board.spec.vms[owner.value() - 1].pcie_controllers = {{kPcie.value(), {}}};
  return board;
}

class PcieRelease : public ::testing::Test {
 protected:
  // The switches that the firmware was asked for, in order.
  std::vector<mrq::Request> Switches() {
    std::vector<mrq::Request> switches;
    for (const Transfer& transfer : rig_.backend().log()) {
      if (std::holds_alternative<mrq::UphyRequest>(transfer.request)) {
        switches.push_back(transfer.request);
      }
    }
    return switches;
  }

  Rig rig_{Owned(kEthVm)};
};

TEST_F(PcieRelease, WhatItHadOnIsOff) {
  rig_.Call(kEthVm, PcieOn(kPcie));
  rig_.Call(kEthVm, PllOn(kPcie));
  rig_.backend().ClearLog();
  rig_.Released(kEthVm);
  EXPECT_THAT(Switches(), ElementsAre(PllOff(kPcie), PcieOff(kPcie)));
  EXPECT_FALSE(rig_.firmware().on(kPcie));
  EXPECT_FALSE(rig_.firmware().pll_on(kPcie));
  EXPECT_THAT(rig_.Holders(kPcie), IsEmpty());
  EXPECT_EQ(rig_.observer().events.back().kind, EventKind::kReleased);
}

TEST_F(PcieRelease, WhatItHadOffIsLeftAlone) {
  rig_.Call(kEthVm, PcieOn(kPcie));
  rig_.Call(kEthVm, PcieOff(kPcie));
  rig_.backend().ClearLog();
  rig_.Released(kEthVm);
  EXPECT_THAT(Switches(), IsEmpty());
}

// As its driver does it: the device is reset and stopped first, and has power until last.
TEST_F(PcieRelease, IsBeforePowerAndAfterTheRest) {
  rig_.Call(kEthVm, PowerOn(kEthDomain));
  rig_.Call(kEthVm, PcieOn(kPcie));
  rig_.Call(kEthVm, Enable(kEthTx));
  rig_.Call(kEthVm, Deassert(kEthReset));
  rig_.backend().ClearLog();
  rig_.Released(kEthVm);
  ASSERT_EQ(rig_.backend().log().size(), 4u);
  EXPECT_EQ(rig_.backend().log()[0].request, Assert(kEthReset));
  EXPECT_EQ(rig_.backend().log()[1].request, Disable(kEthTx));
  EXPECT_EQ(rig_.backend().log()[2].request, PcieOff(kPcie));
  EXPECT_EQ(rig_.backend().log()[3].request, PowerOff(kEthDomain));
}

TEST_F(PcieRelease, WhatIsInFlightIsUndoneToo) {
  const Ticket ticket = rig_.Ask(kEthVm, PcieOn(kPcie));
  rig_.Release(kEthVm);
  EXPECT_EQ(rig_.ErrorOf(ticket), kAgain);
  rig_.RunAll();
  EXPECT_FALSE(rig_.core().IsReleasing(kEthVm));
  EXPECT_THAT(Switches(), ElementsAre(PcieOn(kPcie), PcieOff(kPcie)));
}

TEST_F(PcieRelease, WhatMayBeOnAfterALostAnswerIsSwitchedOff) {
  const Ticket ticket = rig_.Ask(kEthVm, PcieOn(kPcie));
  rig_.End(Fate::kLostDone);
  EXPECT_EQ(rig_.ErrorOf(ticket), -static_cast<int32_t>(mrq::Error::kTimedOut));
  EXPECT_EQ(rig_.Status(kPcie).gate, GateState::kUnknown);
  rig_.Released(kEthVm);
  EXPECT_FALSE(rig_.firmware().on(kPcie));
  EXPECT_EQ(rig_.Status(kPcie).gate, GateState::kOff);
}

TEST_F(PcieRelease, ARefusedSwitchHadNoEffect) {
  const Ticket ticket = rig_.Ask(kEthVm, PcieOn(kPcie));
  rig_.End(Fate::kRefused, mrq::Error::kNoDev);
  EXPECT_EQ(rig_.ErrorOf(ticket), kNoDev);
  EXPECT_EQ(rig_.observer().events.back().kind, EventKind::kEdgeFailed);
  rig_.backend().ClearLog();
  rig_.Released(kEthVm);
  EXPECT_THAT(Switches(), IsEmpty());
}

TEST_F(PcieRelease, OffIsDoneThoughNobodyWaits) {
  rig_.Call(kEthVm, PcieOn(kPcie));
  const Ticket on = rig_.Ask(kEthVm, PcieOn(kPcie));
  const Ticket off = rig_.Ask(kEthVm, PcieOff(kPcie));
  rig_.Expire(off);
  EXPECT_EQ(rig_.ErrorOf(off), 0);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(on), 0);
  EXPECT_FALSE(rig_.firmware().on(kPcie));
  EXPECT_THAT(rig_.Holders(kPcie), IsEmpty());
}

TEST_F(PcieRelease, AFailureQuarantinesIt) {
  rig_.Call(kEthVm, PcieOn(kPcie));
  rig_.Call(kEthVm, PllOn(kPcie));
  rig_.Release(kEthVm);
  rig_.End(Fate::kPerformed);
  rig_.End(Fate::kRefused);
  EXPECT_FALSE(rig_.core().IsReleasing(kEthVm));
  EXPECT_THAT(rig_.core().Quarantined(), ElementsAre(Resource::Of(kPcie)));
  EXPECT_EQ(rig_.Status(kPcie).gate, GateState::kUnknown);
  EXPECT_FALSE(rig_.core().NeedsMaintenance()) << "it can't be read, so nothing is tried again";

  ASSERT_TRUE(rig_.Install(Owned(kSpiVm).spec).ok());
  EXPECT_EQ(rig_.Error(kSpiVm, PcieOn(kPcie)), kBusy);
  rig_.backend().ClearLog();
  ASSERT_TRUE(rig_.ClearQuarantine(Resource::Of(kPcie)).ok());
  EXPECT_THAT(rig_.backend().log(), IsEmpty());
  EXPECT_EQ(rig_.Error(kSpiVm, PcieOn(kPcie)), 0);
}

TEST_F(PcieRelease, AnotherGetsItWhenTheLastHasItOff) {
  rig_.Call(kEthVm, PcieOn(kPcie));
  ASSERT_TRUE(rig_.Install(Owned(kSpiVm).spec).ok());
  EXPECT_EQ(rig_.Error(kSpiVm, PcieOn(kPcie)), kBusy);
  EXPECT_EQ(rig_.observer().events.back().kind, EventKind::kConflict);
  EXPECT_EQ(rig_.observer().events.back().other, kEthVm);
  EXPECT_EQ(rig_.Error(kEthVm, PcieOn(kPcie)), kInval) << "its policy no longer has any";
  EXPECT_EQ(rig_.Error(kEthVm, PcieOff(kPcie)), 0) << "but what it has on it may switch off";
  EXPECT_EQ(rig_.Error(kSpiVm, PcieOn(kPcie)), 0);
}

TEST_F(PcieRelease, ANewPolicyCanSwitchItOffAtOnce) {
  rig_.Call(kEthVm, PcieOn(kPcie));
  const PolicyDifference difference = rig_.core().Compare(CompileOrDie(Owned(kSpiVm)));
  ASSERT_EQ(difference.vms.size(), 2u);
  EXPECT_THAT(difference.vms[0].text, ElementsAre("gains 'exclusive' on PCIe controller 5"));
  EXPECT_THAT(difference.vms[1].text, ElementsAre("loses 'exclusive' on PCIe controller 5",
                                                  "uses PCIe controller 5, and may no longer"));
  ASSERT_TRUE(rig_.Install(Owned(kSpiVm).spec, Core::Unallowed::kDrop).ok());
  rig_.RunAll();
  EXPECT_FALSE(rig_.firmware().on(kPcie));
  EXPECT_EQ(rig_.Error(kSpiVm, PcieOn(kPcie)), 0);
}

TEST_F(PcieRelease, AVmThatHasOneOnIsNotRemoved) {
  rig_.Call(kEthVm, PcieOn(kPcie));
  PolicySpec without = MakeBoard().spec;
  without.vms.erase(without.vms.begin() + kEthVm.value() - 1);
  EXPECT_FALSE(rig_.Install(without).ok());
  rig_.Released(kEthVm);
  EXPECT_TRUE(rig_.Install(without).ok());
}

TEST_F(PcieRelease, OnlyThoseThatConcernSomebodyAreListed) {
  EXPECT_THAT(rig_.core().Resources(ResourceKind::kPcieController),
              ElementsAre(Resource::Of(kPcie)));
  EXPECT_THAT(Rig().core().Resources(ResourceKind::kPcieController), IsEmpty());
}

TEST_F(PcieRelease, MarksAreToldForAJournal) {
  rig_.Call(kEthVm, PcieOn(kPcie));
  const auto is_mark = [](const Change& change) {
    return change.kind == Change::Kind::kPcieMark && change.resource == Resource::Of(kPcie);
  };
  std::vector<int64_t> marks;
  for (const Change& change : rig_.observer().changes) {
    if (is_mark(change)) marks.push_back(change.value);
  }
  EXPECT_THAT(marks, ElementsAre(1));
}

}  // namespace
}  // namespace bpmp::core::testing
