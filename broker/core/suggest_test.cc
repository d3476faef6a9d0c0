// SPDX-License-Identifier: Apache-2.0
// The least policy for what was asked: enough, and no more.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/core/core.h"
#include "broker/core/policy_diff.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// With spi nobody's own.
Board FreeBoard() {
  Board board = MakeBoard();
  board.spec.vms[kSpiVm.value() - 1].devices.clear();
  return board;
}

class SuggestTest : public ::testing::Test {
 protected:
  // As "uart=exclusive", one each.
  static std::vector<std::string> Words(const std::vector<ResourceGrant>& grants) {
    std::vector<std::string> words;
    for (const ResourceGrant& grant : grants) {
      words.push_back(absl::StrCat(grant.resource, "=", std::string(AccessName(grant.access))));
    }
    return words;
  }
  static std::vector<std::string> Devices(const Suggestion& suggestion) {
    std::vector<std::string> names;
    for (const DeviceGrant& grant : suggestion.spec.devices) names.push_back(grant.device);
    return names;
  }
  static void Give(const Suggestion& suggestion, VmSpec* vm) {
    vm->devices = suggestion.spec.devices;
    vm->clocks = suggestion.spec.clocks;
    vm->resets = suggestion.spec.resets;
    vm->domains = suggestion.spec.domains;
  }
  Suggestion Of(VmId vm) { return rig_.core().Suggest(vm); }

  Rig rig_{FreeBoard()};
};

TEST_F(SuggestTest, NothingForWhoOnlyLooks) {
  rig_.Call(kUartVm, GetInfo(kUart));
  rig_.Call(kUartVm, GetRate(kUart));
  rig_.Call(kUartVm, IsEnabled(kUart));
  rig_.Call(kUartVm, PowerOff(kVideoDomain));
  rig_.Call(kUartVm, Disable(kCan0));
  const Suggestion suggestion = Of(kUartVm);
  EXPECT_THAT(suggestion.spec.devices, IsEmpty());
  EXPECT_THAT(suggestion.spec.clocks, IsEmpty());
  EXPECT_THAT(suggestion.spec.domains, IsEmpty());
}

TEST_F(SuggestTest, AncestorsNeedNoEntry) {
  // As Linux enables: from the root on.
  for (const ClockId clock : {kOsc, kPllA, kPllADiv, kI2c}) rig_.Call(kGuestVm, Enable(clock));
  EXPECT_THAT(Words(Of(kGuestVm).spec.clocks), ElementsAre("i2c=vote"));
}

TEST_F(SuggestTest, EachAsMuchAsWasAsked) {
  rig_.Call(kGuestVm, Enable(kSpi));
  rig_.Call(kGuestVm, SetRate(kSpi, kMHz));
  rig_.Call(kGuestVm, Enable(kCan0));
  rig_.Call(kGuestVm, PowerOn(kSpareDomain));
  rig_.Call(kGuestVm, Deassert(ResetId(0)));
  const Suggestion suggestion = Of(kGuestVm);
  EXPECT_THAT(Words(suggestion.spec.clocks), ElementsAre("spi=exclusive", "can0=vote"));
  EXPECT_THAT(Words(suggestion.spec.domains), ElementsAre("spare=vote"));
  EXPECT_THAT(Words(suggestion.spec.resets), ElementsAre("0=exclusive"));
}

TEST_F(SuggestTest, WhatNobodyMayIsSaid) {
  rig_.Call(kGuestVm, SetRate(kI2c, kMHz));  // its rate is fixed
  const Suggestion suggestion = Of(kGuestVm);
  EXPECT_THAT(Words(suggestion.spec.clocks), ElementsAre("i2c=vote"));
  EXPECT_THAT(suggestion.notes, ElementsAre(HasSubstr("clock i2c: it asked to change it, which "
                                                      "nobody may")));
}

TEST_F(SuggestTest, ADeviceThatIsUsedWholeIsOneLine) {
  rig_.Call(kUartVm, Enable(kUart));
  rig_.Call(kUartVm, SetRate(kUart, kMHz));
  EXPECT_THAT(Devices(Of(kUartVm)), IsEmpty()) << "its reset wasn't asked for";
  EXPECT_THAT(Words(Of(kUartVm).spec.clocks), ElementsAre("uart=exclusive"));
  rig_.Call(kUartVm, Deassert(kUartReset));
  EXPECT_THAT(Devices(Of(kUartVm)), ElementsAre("uart"));
  EXPECT_THAT(Of(kUartVm).spec.clocks, IsEmpty());
  EXPECT_THAT(Of(kUartVm).spec.resets, IsEmpty());
}

TEST_F(SuggestTest, AVoteOnARateIsWritten) {
  rig_.Call(kCan0Vm, SetRate(kBus, 70 * kMHz));  // by the highest vote
  EXPECT_THAT(Words(Of(kCan0Vm).spec.clocks), ElementsAre("bus=vote"));
}

TEST_F(SuggestTest, WhatAnotherHasIsSaid) {
  rig_.Call(kGuestVm, SetRate(kUart, kMHz));
  rig_.Call(kGuestVm, Assert(kUartReset));
  const Suggestion suggestion = Of(kGuestVm);
  EXPECT_THAT(Words(suggestion.spec.clocks), ElementsAre("uart=vote"));
  EXPECT_THAT(suggestion.spec.resets, IsEmpty());
  EXPECT_THAT(suggestion.notes,
              ElementsAre(HasSubstr("clock uart: it asked to change it, but vm uart-vm has it"),
                          HasSubstr("reset uart: it asked for it, but vm uart-vm has it")));
}

// A device would give the domain exclusively, which two VMs can't have.
TEST_F(SuggestTest, ADeviceWhoseDomainIsAnothersIsGivenPieceByPiece) {
  Board board = FreeBoard();
  VmSpec& eth = board.spec.vms[kEthVm.value() - 1];
  eth.devices.clear();
  eth.domains = {{"eth", Access::kExclusive, {}}};
  Rig rig(board);
  for (const mrq::Request& request :
       {PowerOn(kEthDomain), Enable(kEthApp), SetRate(kEthApp, 80 * kMHz), Enable(kEthTx),
        Enable(kEthRx), Enable(kFuse), Deassert(kEthReset), Deassert(kEthPcsReset)}) {
    rig.Call(kGuestVm, request);
  }
  const Suggestion suggestion = rig.core().Suggest(kGuestVm);
  EXPECT_THAT(Devices(suggestion), IsEmpty());
  EXPECT_THAT(Words(suggestion.spec.domains), ElementsAre("eth=vote"));
  Give(suggestion, &board.spec.vms[kGuestVm.value() - 1]);
  EXPECT_TRUE(rig.Install(board.spec).ok());
}

// What was suggested allows all that was asked, when it is asked again.
TEST_F(SuggestTest, IsEnough) {
  const std::vector<mrq::Request> kAsked = {
      Enable(kOsc),           Enable(kPllADiv),      Enable(kSpi),         SetRate(kSpi, 20 * kMHz),
      SetParent(kSpi, kClkM), PowerOn(kSpareDomain), Deassert(ResetId(0)), Enable(kFuse)};
  for (const mrq::Request& request : kAsked) rig_.Call(kGuestVm, request);
  Board board = FreeBoard();
  const Suggestion suggestion = Of(kGuestVm);
  Give(suggestion, &board.spec.vms[kGuestVm.value() - 1]);
  Rig rig(std::move(board));
  for (const mrq::Request& request : kAsked) {
    EXPECT_EQ(rig.Error(kGuestVm, request), 0) << mrq::Describe(request);
  }
}

TEST_F(SuggestTest, ASlotThatIsUsedAgainBeginsAnew) {
  rig_.Call(kGuestVm, Enable(kSpi));
  Board board = FreeBoard();
  const VmSpec guest = board.spec.vms.back();
  board.spec.vms.pop_back();
  ASSERT_TRUE(rig_.Install(board.spec).ok());
  board.spec.vms.push_back(guest);
  ASSERT_TRUE(rig_.Install(board.spec).ok());
  EXPECT_THAT(Of(kGuestVm).spec.clocks, IsEmpty());
}

}  // namespace
}  // namespace bpmp::core::testing
