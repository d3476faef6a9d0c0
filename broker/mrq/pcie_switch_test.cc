// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::mrq {
namespace {

constexpr auto kUphy = static_cast<uint32_t>(Mrq::kUphy);

UphyRequest Decoded(std::vector<uint8_t> bytes) {
  bytes.resize(24);
  const auto request = DecodeRequest(kUphy, bytes);
  return request.ok() ? std::get<UphyRequest>(*request) : UphyRequest();
}

TEST(PcieSwitch, IsReadFromTheCommandsAboutControllers) {
  EXPECT_EQ(PcieSwitchOf(Decoded({0, 0, 4, 0, 5, 1})),
            (PcieSwitch{PcieControllerId(5), false, true}));
  EXPECT_EQ(PcieSwitchOf(Decoded({0, 0, 4, 0, 5, 0})),
            (PcieSwitch{PcieControllerId(5), false, false}));
  EXPECT_EQ(PcieSwitchOf(Decoded({0, 0, 3, 0, 6})), (PcieSwitch{PcieControllerId(6), true, true}));
  EXPECT_EQ(PcieSwitchOf(Decoded({0, 0, 5, 0, 6})), (PcieSwitch{PcieControllerId(6), true, false}));
}

TEST(PcieSwitch, LanesHaveNone) {
  EXPECT_EQ(PcieSwitchOf(Decoded({7, 0, 1, 0, 5, 1})), std::nullopt);
  EXPECT_EQ(PcieSwitchOf(Decoded({7, 0, 2, 0, 5, 1})), std::nullopt);
  UphyRequest cut;
  cut.cmd = UphyCmd::kControllerState;
  cut.payload_size = 1;
  EXPECT_EQ(PcieSwitchOf(cut), std::nullopt);
}

// A guest's lane, and what it put for "on", are not the firmware's business.
TEST(PcieSwitch, IsWrittenWithoutWhatMeansNothing) {
  const UphyRequest asked = Decoded({9, 9, 4, 0, 5, 0xff, 7, 7});
  const UphyRequest sent = ToUphyRequest(*PcieSwitchOf(asked));
  EXPECT_EQ(sent.lane, 0);
  EXPECT_EQ(sent, Decoded({0, 0, 4, 0, 5, 1}));
}

TEST(PcieSwitch, SurvivesTheWire) {
  for (const uint32_t controller : {0u, 10u, 255u}) {
    for (const bool pll : {false, true}) {
      for (const bool on : {false, true}) {
        const PcieSwitch request = {PcieControllerId(controller), pll, on};
        const EncodedRequest encoded = EncodeRequest(ToUphyRequest(request));
        const auto again = DecodeRequest(encoded.mrq, encoded.bytes());
        ASSERT_TRUE(again.ok());
        EXPECT_EQ(PcieSwitchOf(std::get<UphyRequest>(*again)), request);
      }
    }
  }
}

TEST(PcieSwitch, OfMoreThanAByteIsNoOtherController) {
  EXPECT_EQ(ToUphyRequest({PcieControllerId(0x105), false, true}).payload[0], 0xff);
}

}  // namespace
}  // namespace bpmp::mrq
