// SPDX-License-Identifier: Apache-2.0
// The thermal driver of a stock kernel: it reads its VM's zones, and hears of the host's trips.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/backend/sim/fault.h"
#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kZone = 8;
// Zone 8 as Linux' thermal framework wants it: nobody looks at it unless he is told to.
constexpr char kNodes[] = R"(clocks = <&{/bpmp} 155>; };
    thermal-zones {
      board-thermal {
        polling-delay = <0>;
        polling-delay-passive = <0>;
        thermal-sensors = <&{/bpmp/thermal} 8>;
        trips {
          warm { temperature = <90000>; hysteresis = <1000>; type = "passive"; };
        };
      };)";
constexpr char kTemperature[] = "cat /sys/class/thermal/thermal_zone0/temp";

class ThermalTest : public E2eTest {
 protected:
  ThermalTest()
      : E2eTest(R"(vms { name: "a" devices { device: "uarta" } thermal { zones: 8 } })") {}

  void SetTemperature(int32_t milli_c) {
    broker_.sim().WithModel([&](backend::sim::TegraModel& model) {
      model.thermal().SetTemperature(ThermalZoneId(kZone), milli_c);
    });
  }
};

TEST_P(ThermalTest, AGuestHearsOfATrip) {
  const auto guest = Boot(WithConsumer(Machine("a", ",thermal=on"), kNodes));
  ASSERT_NE(guest, nullptr);
  SetTemperature(51'000);
  EXPECT_EQ(guest->Run(kTemperature), "51000");
  // The guest doesn't look by itself. That it does now is because it was told.
  for (const int32_t milli_c : {99'000, 40'000}) {
    broker_.sim().AddFault(*backend::sim::ParseFault("THERMAL GET_TEMP 8 hang count=1"));
    SetTemperature(milli_c);
    broker_.sim().WaitUntilHanging(1);
    broker_.sim().ReleaseHangs();
    EXPECT_EQ(guest->Run(kTemperature), absl::StrCat(milli_c));
  }
  EXPECT_THAT(guest->Run("cat /sys/class/thermal/thermal_zone0/type"), HasSubstr("board-thermal"));
}

constexpr Versions kMailbox[] = {{"6_1_STOCK", "7_2", FrontEnd::kMailbox},
                                 {"6_12_STOCK", "10_0", FrontEnd::kMailbox}};
INSTANTIATE_TEST_SUITE_P(Linux, ThermalTest, ::testing::ValuesIn(kMailbox), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
