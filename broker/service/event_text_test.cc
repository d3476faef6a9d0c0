// SPDX-License-Identifier: Apache-2.0
#include "broker/service/event_text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/event.h"
#include "broker/mrq/codec.h"

namespace bpmp::service {
namespace {

using core::Event;
using core::EventKind;
using core::Reason;
using core::Resource;

const EventNames kNames = {"net-vm", "gpu-vm", "uarta", "pllp_out0"};

Event Make(EventKind kind, int64_t value = 0) {
  Event event;
  event.kind = kind;
  event.vm = VmId(1);
  event.resource = Resource::Of(ClockId(155));
  event.value = value;
  return event;
}

Event Refused(EventKind kind, int32_t error, Reason reason) {
  Event event = Make(kind);
  event.mrq = 22;
  event.cmd = static_cast<uint32_t>(mrq::ClkCmd::kSetRate);
  event.error = error;
  event.reason = reason;
  return event;
}

TEST(EventTextTest, SaysWhoDidWhat) {
  EXPECT_EQ(EventText(Make(EventKind::kVote, 1), kNames), "net-vm votes for clock uarta");
  EXPECT_EQ(EventText(Make(EventKind::kVote, 0), kNames), "net-vm drops its vote for clock uarta");
  EXPECT_EQ(EventText(Make(EventKind::kEdge, 1), kNames), "clock uarta was turned on for net-vm");
  EXPECT_EQ(EventText(Make(EventKind::kEdge, 0), kNames), "clock uarta was turned off for net-vm");
  EXPECT_EQ(EventText(Make(EventKind::kRate, 408'000'000), kNames),
            "clock uarta now runs at 408 MHz, because of net-vm");
  EXPECT_EQ(EventText(Make(EventKind::kParent, 3), kNames),
            "clock uarta now has the parent pllp_out0, set by net-vm");
  EXPECT_EQ(EventText(Make(EventKind::kMoved, 1'843'200), kNames),
            "a change by net-vm moved clock uarta, which gpu-vm holds, to 1.8432 MHz");
  EXPECT_EQ(EventText(Make(EventKind::kPinned, 1), kNames), "the host holds clock uarta");
  EXPECT_EQ(EventText(Make(EventKind::kPinned, 0), kNames), "the host no longer holds clock uarta");
}

TEST(EventTextTest, NamesTheResetsThreeActions) {
  Event event = Make(EventKind::kReset);
  event.resource = Resource::Of(ResetId(100));
  EXPECT_EQ(EventText(event, kNames), "net-vm asserted reset uarta");
  event.value = 1;
  EXPECT_EQ(EventText(event, kNames), "net-vm deasserted reset uarta");
  event.value = 2;
  EXPECT_EQ(EventText(event, kNames), "net-vm pulsed reset uarta");
}

TEST(EventTextTest, SaysWhatWasRefusedAndWhy) {
  EXPECT_EQ(EventText(Refused(EventKind::kDenied, -13, Reason::kNotPermitted), kNames),
            "net-vm was refused CLK SET_RATE of clock uarta: EACCES, the VM's policy doesn't allow "
            "it");
  EXPECT_EQ(EventText(Refused(EventKind::kConflict, -16, Reason::kOtherHolder), kNames),
            "net-vm was refused CLK SET_RATE of clock uarta, because of gpu-vm: EBUSY, another VM "
            "or the host holds it");
}

TEST(EventTextTest, ARefusalMayConcernNoResource) {
  Event event = Refused(EventKind::kDenied, -22, Reason::kNotForwarded);
  event.resource = {};
  event.mrq = 75;
  event.cmd = 0;
  EXPECT_EQ(EventText(event, kNames),
            "net-vm was refused DEBUG: EINVAL, no VM may use this request");
}

TEST(EventTextTest, TellsOfReleases) {
  EXPECT_EQ(EventText(Make(EventKind::kReleaseStarted, 3), kNames),
            "the release of net-vm begins; next is epoch 3");
  EXPECT_EQ(EventText(Make(EventKind::kReleased, 0), kNames), "net-vm is released");
  EXPECT_EQ(EventText(Make(EventKind::kReleased, 1), kNames),
            "net-vm is released, with 1 resource in quarantine");
  Event step = Make(EventKind::kReleaseStep);
  step.error = -5;
  step.reason = Reason::kFirmwareRefused;
  EXPECT_EQ(EventText(step, kNames),
            "in the release of net-vm, clock uarta: EIO, the firmware refused");
}

TEST(EventTextTest, ALogLineNamesTheVm) {
  EventLog::Record record;
  record.kind = event_kind::kSessionRefused;
  record.text = "refused pid 7, uid 8: expected uid 9 or root";
  RenderedEvent shown;
  shown.names.vm = "net-vm";
  shown.text = record.text;
  EXPECT_EQ(LogLine(record, shown), "vm net-vm: refused pid 7, uid 8: expected uid 9 or root");
  // What concerns no VM, and what the core tells by name, is told as it is.
  shown.names.vm.clear();
  EXPECT_EQ(LogLine(record, shown), record.text);
  record.from_core = true;
  shown.names.vm = "net-vm";
  shown.text = "net-vm is released";
  EXPECT_EQ(LogLine(record, shown), "net-vm is released");
}

TEST(EventTextTest, EveryKindHasAText) {
  for (size_t i = 0; i < static_cast<size_t>(EventKind::kEventKindCount); ++i) {
    const auto kind = static_cast<EventKind>(i);
    for (const int64_t value : {0, 1}) {
      const std::string text = EventText(Make(kind, value), kNames);
      EXPECT_FALSE(text.empty()) << core::EventKindName(kind);
      EXPECT_EQ(text.find('$'), std::string::npos) << text;
    }
  }
}

TEST(EventTextTest, EveryKindIsInTheManual) {
  std::ifstream file(std::string(BPMP_SOURCE_DIR) + "/docs/operations.md");
  const std::string manual((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
  std::vector<std::string_view> kinds(std::begin(event_kind::kAll), std::end(event_kind::kAll));
  for (size_t i = 0; i < static_cast<size_t>(EventKind::kEventKindCount); ++i) {
    kinds.push_back(core::EventKindName(static_cast<EventKind>(i)));
  }
  for (const std::string_view kind : kinds) {
    EXPECT_NE(manual.find("| `" + std::string(kind) + "` |"), std::string::npos) << kind;
  }
}

TEST(EventTextTest, ANameThatSaysItsKindIsNotDoubled) {
  EventNames names = kNames;
  names.resource = "clock 13";
  EXPECT_EQ(EventText(Make(EventKind::kVote, 1), names), "net-vm votes for clock 13");
}

TEST(EventTextTest, RequestsAreNamedByTheirNumbers) {
  EXPECT_EQ(RequestName(22, 7), "CLK ENABLE");
  EXPECT_EQ(RequestName(20, 2), "RESET DEASSERT");
  EXPECT_EQ(RequestName(66, 1), "PG SET_STATE");
  EXPECT_EQ(RequestName(22, 9), "CLK command 9");
  // Not cut to the 8 bits of a CLK command.
  EXPECT_EQ(RequestName(22, 0x107), "CLK command 263");
  EXPECT_EQ(RequestName(22, 0), "CLK");
  EXPECT_EQ(RequestName(0, 0), "PING");
}

TEST(EventTextTest, RatesAreExact) {
  EXPECT_EQ(HzText(0), "0 Hz");
  EXPECT_EQ(HzText(32'768), "32768 Hz");
  EXPECT_EQ(HzText(999'999), "999999 Hz");
  EXPECT_EQ(HzText(1'000'000), "1 MHz");
  EXPECT_EQ(HzText(1'843'200), "1.8432 MHz");
  EXPECT_EQ(HzText(100'000'001), "100.000001 MHz");
  EXPECT_EQ(HzText(2'133'000'000), "2133 MHz");
}

}  // namespace
}  // namespace bpmp::service
