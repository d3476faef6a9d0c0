// SPDX-License-Identifier: Apache-2.0
// The decision table: the MRQs that a VM has only if its policy says so.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "broker/core/testing/decision_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Fate = FakeBackend::Fate;

constexpr PcieControllerId kMine{5};
constexpr PcieControllerId kHis{1};

// uart-vm has something of each, spi-vm one controller, the others nothing.
Board OptedIn() {
  Board board = MakeBoard();
  VmSpec& uart = board.spec.vms[kUartVm.value() - 1];
  uart.thermal_zones = {{8, {}}, {0, {}}};
  uart.emc_latency = true;
  uart.pcie_controllers = {{kMine.value(), {}}};
  board.spec.vms[kSpiVm.value() - 1].pcie_controllers = {{kHis.value(), {}}};
  return board;
}

class OptIn : public DecisionTable {
 protected:
  OptIn() : DecisionTable(OptedIn()) {}

  int32_t Abi(VmId vm, mrq::Mrq mrq) {
    return static_cast<int32_t>(WordAtOnce(vm, mrq::QueryAbiRequest{static_cast<uint32_t>(mrq)}));
  }
  // Asks, and answers for the firmware.
  mrq::Response CallWith(VmId vm, const mrq::Request& request, mrq::Response firmware) {
    const Ticket ticket = rig_.Ask(vm, request);
    rig_.EndWith(firmware);
    return rig_.Of(ticket).answer.value_or(mrq::Response{});
  }
};

TEST_F(OptIn, QueryAbiNamesExactlyThese) {
  EXPECT_EQ(Abi(kUartVm, mrq::Mrq::kThermal), 0);
  EXPECT_EQ(Abi(kUartVm, mrq::Mrq::kEmcDvfsLatency), 0);
  EXPECT_EQ(Abi(kUartVm, mrq::Mrq::kUphy), 0);
  EXPECT_EQ(Abi(kUartVm, mrq::Mrq::kCpuNdivLimits), kNoDev);
  EXPECT_EQ(Abi(kSpiVm, mrq::Mrq::kUphy), 0);
  EXPECT_EQ(Abi(kSpiVm, mrq::Mrq::kThermal), kNoDev);
  EXPECT_EQ(Abi(kSpiVm, mrq::Mrq::kEmcDvfsLatency), kNoDev);
  EXPECT_EQ(Abi(kGuestVm, mrq::Mrq::kUphy), kNoDev);
}

TEST_F(OptIn, ThermalZonesOfThePolicyAreRead) {
  EXPECT_EQ(mrq::ReadU32(rig_.Call(kUartVm, Temperature(8))).value_or(0),
            static_cast<uint32_t>(Firmware::kTemperature));
  EXPECT_EQ(rig_.Error(kUartVm, Thermal(mrq::ThermalCmd::kGetThermtrip, 0)), 0);
  EXPECT_EQ(mrq::ReadU32(rig_.Call(kUartVm, Thermal(mrq::ThermalCmd::kGetNumZones))).value_or(0),
            Firmware::kZones);
  EXPECT_EQ(ErrorAtOnce(kUartVm, Temperature(1)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, Thermal(mrq::ThermalCmd::kGetThermtrip, 1)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, Temperature(kMaxThermalZoneId + 1)), kInval);
}

TEST_F(OptIn, WhatNeverChangesIsAskedOfTheFirmwareOnce) {
  const std::vector<mrq::Request> constant = {Thermal(mrq::ThermalCmd::kGetNumZones),
                                              Thermal(mrq::ThermalCmd::kGetThermtrip, 0),
                                              mrq::EmcDvfsLatencyRequest{}};
  std::vector<mrq::Response> first;
  for (const mrq::Request& request : constant) first.push_back(rig_.Call(kUartVm, request));
  rig_.backend().ClearLog();
  for (size_t i = 0; i < constant.size(); ++i) {
    EXPECT_EQ(rig_.Call(kUartVm, constant[i]), first[i]);
  }
  EXPECT_THAT(rig_.backend().log(), IsEmpty());
  EXPECT_EQ(ErrorAtOnce(kSpiVm, constant[0]), kInval) << "what is known is for whom it is allowed";
  rig_.Call(kUartVm, Temperature(8));
  EXPECT_EQ(rig_.backend().log().size(), 1U);
}

TEST_F(OptIn, WhoHearsOfATripIsWhoMayReadTheZone) {
  const auto who = [this](uint32_t zone) { return rig_.core().WhoHears(ThermalZoneId(zone)); };
  EXPECT_THAT(who(8), ElementsAre(kUartVm));
  EXPECT_THAT(who(0), ElementsAre(kUartVm));
  EXPECT_THAT(who(1), IsEmpty());
  EXPECT_THAT(who(kMaxThermalZoneId + 1), IsEmpty());
  EXPECT_THAT(who(~uint32_t{0}), IsEmpty());
}

TEST_F(OptIn, ThermalQueryAbiKnowsNoTrips) {
  const auto ask = [this](uint32_t command) {
    return ErrorAtOnce(kUartVm, Thermal(mrq::ThermalCmd::kQueryAbi, command));
  };
  for (const uint32_t served : {0u, 1u, 3u, 4u}) EXPECT_EQ(ask(served), 0) << served;
  for (const uint32_t other : {2u, 5u, 100u, 0xffffffffu}) EXPECT_EQ(ask(other), kNoDev) << other;
  EXPECT_EQ(rig_.observer().Count(EventKind::kDenied), 0u);
  // SET_TRIP itself can't even be expressed.
  std::vector<uint8_t> set_trip(20);
  set_trip[0] = 2;
  EXPECT_FALSE(mrq::DecodeRequest(static_cast<uint32_t>(mrq::Mrq::kThermal), set_trip).ok());
}

TEST_F(OptIn, NoFirmwareMakesAGuestAllocateMoreZonesThanThereAreNumbers) {
  const mrq::Response answer =
      CallWith(kUartVm, Thermal(mrq::ThermalCmd::kGetNumZones), mrq::OkU32(0x7fff'ffff));
  EXPECT_EQ(mrq::ReadU32(answer).value_or(0), kMaxThermalZoneId + 1);
}

TEST_F(OptIn, EmcLatencyIsRead) {
  EXPECT_EQ(CallWith(kUartVm, mrq::EmcDvfsLatencyRequest{}, mrq::Ok()).error, kIo)
      << "an answer without a table";
  const auto table = mrq::ReadEmcLatency(rig_.Call(kUartVm, mrq::EmcDvfsLatencyRequest{}));
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->count, 1u);
}

TEST_F(OptIn, EmcLatencyIsBounded) {
  mrq::Response wild;
  wild.size = 116;
  wild.data[0] = 200;
  const mrq::Response cut = CallWith(kUartVm, mrq::EmcDvfsLatencyRequest{}, wild);
  EXPECT_EQ(mrq::ReadU32(cut).value_or(0), mrq::kMaxEmcPairs);
}

TEST_F(OptIn, WithoutItThereIsNoSuchMrq) {
  for (const mrq::Request& request :
       {Temperature(8), Thermal(mrq::ThermalCmd::kGetNumZones), Thermal(mrq::ThermalCmd::kQueryAbi),
        mrq::Request(mrq::EmcDvfsLatencyRequest{}), PcieOn(kMine), PcieOff(kMine), PllOn(kMine)}) {
    EXPECT_EQ(ErrorAtOnce(kGuestVm, request), kInval) << mrq::Describe(request);
    EXPECT_EQ(Last(EventKind::kDenied)->reason, Reason::kNotOptedIn);
  }
}

TEST_F(OptIn, FailuresOfReadsAreTold) {
  const Ticket refused = rig_.Ask(kUartVm, Temperature(8));
  rig_.End(Fate::kRefused, mrq::Error::kFault);
  EXPECT_EQ(rig_.ErrorOf(refused), -static_cast<int32_t>(mrq::Error::kFault));
  const Ticket failed = rig_.Ask(kUartVm, Temperature(8));
  rig_.End(Fate::kFailed);
  EXPECT_EQ(rig_.ErrorOf(failed), kIo);
  const Ticket lost = rig_.Ask(kUartVm, Temperature(8));
  rig_.End(Fate::kLostDone);
  EXPECT_EQ(rig_.ErrorOf(lost), -static_cast<int32_t>(mrq::Error::kTimedOut));
}

// Two at once are two questions: they hold no resource and wait for nobody.
TEST_F(OptIn, ReadsDontWaitForEachOther) {
  rig_.Ask(kUartVm, Temperature(8));
  rig_.Ask(kUartVm, Temperature(0));
  EXPECT_EQ(rig_.in_flight(), 2u);
  rig_.Release(kUartVm);
  rig_.RunAll();
  EXPECT_THAT(rig_.Waiting(), IsEmpty());
}

TEST_F(OptIn, ItsPcieControllerIsSwitched) {
  EXPECT_EQ(rig_.Error(kUartVm, PcieOn(kMine)), 0);
  EXPECT_TRUE(rig_.firmware().on(kMine));
  EXPECT_EQ(rig_.Error(kUartVm, PllOn(kMine)), 0);
  EXPECT_TRUE(rig_.firmware().pll_on(kMine));
  EXPECT_THAT(rig_.Holders(kMine), ElementsAre(kUartVm));
  EXPECT_EQ(rig_.Status(kMine).gate, GateState::kOn);
  EXPECT_EQ(rig_.Error(kUartVm, PllOff(kMine)), 0);
  EXPECT_EQ(rig_.Error(kUartVm, PcieOff(kMine)), 0);
  EXPECT_FALSE(rig_.firmware().on(kMine));
  EXPECT_THAT(rig_.Holders(kMine), IsEmpty());
  EXPECT_EQ(rig_.observer().Count(EventKind::kEdge), 2u);
  EXPECT_EQ(rig_.observer().Count(EventKind::kEndpointPll), 2u);
}

TEST_F(OptIn, APcieControllerIsOfOneVm) {
  EXPECT_EQ(ErrorAtOnce(kUartVm, PcieOn(kHis)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, PcieOff(kHis)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, PllOn(kHis)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, PcieOn(PcieControllerId(kMaxPcieControllerId + 1))), kInval);
  EXPECT_EQ(ErrorAtOnce(kUartVm, mrq::UphyRequest{}), kInval) << "of a lane";
  EXPECT_EQ(Last(EventKind::kDenied)->reason, Reason::kNotForwarded);
}

// What a guest wrote besides is not sent on.
TEST_F(OptIn, WhatIsSentIsMadeAnew) {
  mrq::UphyRequest raw;
  raw.lane = 7;
  raw.cmd = mrq::UphyCmd::kControllerState;
  raw.payload = {static_cast<uint8_t>(kMine.value()), 0xff, 1, 2, 3};
  raw.payload_size = 2;
  rig_.Call(kUartVm, raw);
  EXPECT_EQ(rig_.backend().log().back().request, PcieOn(kMine));
}

TEST_F(OptIn, AllExclusiveGivesNoneOfThem) {
  Board board = MakeBoard();
  board.spec.vms = {board.spec.vms.front()};
  board.spec.vms[0].all_exclusive = true;
  Rig rig(std::move(board));
  EXPECT_EQ(rig.Error(kUartVm, Temperature(8)), kInval);
  EXPECT_EQ(rig.Error(kUartVm, PcieOn(kMine)), kInval);
  EXPECT_EQ(rig.Error(kHost, PcieOn(kMine)), kInval) << "nor has the host's agent any";
}

TEST_F(OptIn, IsExplained) {
  const auto say = [this](VmId vm, const mrq::Request& request) {
    return rig_.core().Explain(vm, request).text;
  };
  EXPECT_EQ(say(kGuestVm, Temperature(3)),
            "Refused with EINVAL: the VM's policy doesn't opt in to this MRQ. To allow it, write "
            "'thermal: {zones: [0]}' into its policy.");
  EXPECT_THAT(say(kUartVm, Temperature(3)), HasSubstr("'thermal: {zones: [3]}'"));
  EXPECT_THAT(say(kGuestVm, mrq::EmcDvfsLatencyRequest{}), HasSubstr("'emc_latency: true'"));
  EXPECT_EQ(
      say(kUartVm, PcieOn(kHis)),
      "Refused with EACCES: the VM's policy doesn't allow it. uart-vm has 'none' on PCIe "
      "controller 1. The policy gives the controller to spi-vm, and only one VM can have it.");
  EXPECT_THAT(say(kUartVm, PcieOn(PcieControllerId(3))),
              HasSubstr("To allow it, write 'pcie_controllers: [3]' into its policy."));
  EXPECT_EQ(say(kUartVm, PcieOn(kMine)),
            "Allowed: the hardware is called. uart-vm has 'exclusive' on PCIe controller 5.");
  EXPECT_TRUE(rig_.core().Explain(kUartVm, PcieOn(kMine)).edge);
  EXPECT_FALSE(rig_.core().Explain(kUartVm, Temperature(8)).edge);
}

TEST_F(OptIn, IsSuggestedWhereItWasAskedFor) {
  rig_.Call(kGuestVm, Thermal(mrq::ThermalCmd::kGetNumZones));
  EXPECT_THAT(rig_.core().Suggest(kGuestVm).notes, ElementsAre(HasSubstr("thermal: {zones: [0]}")));
  for (const mrq::Request& request :
       {Temperature(8), Temperature(2), PcieOn(kHis), PcieOn(PcieControllerId(3)),
        mrq::Request(mrq::QueryAbiRequest{static_cast<uint32_t>(mrq::Mrq::kEmcDvfsLatency)})}) {
    rig_.Call(kGuestVm, request);
  }
  const Suggestion suggestion = rig_.core().Suggest(kGuestVm);
  ASSERT_EQ(suggestion.spec.thermal_zones.size(), 2u);
  EXPECT_EQ(suggestion.spec.thermal_zones[0].number, 2u);
  EXPECT_EQ(suggestion.spec.thermal_zones[1].number, 8u);
  EXPECT_TRUE(suggestion.spec.emc_latency);
  ASSERT_EQ(suggestion.spec.pcie_controllers.size(), 1u);
  EXPECT_EQ(suggestion.spec.pcie_controllers[0].number, 3u);
  EXPECT_THAT(suggestion.notes,
              ElementsAre("PCIe controller 1: it asked for it, but vm spi-vm has it"));
}

}  // namespace
}  // namespace bpmp::core::testing
