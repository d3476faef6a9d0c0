// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/thermal_model.h"

#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ThermalZoneId kGpu{1};
constexpr ThermalZoneId kTj{8};
constexpr ThermalZoneId kNone{9};

int32_t Temperature(const ThermalModel& model, ThermalZoneId zone) {
  const auto read =
      mrq::ReadU32(model.Handle(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, zone.value()}));
  return read.ok() ? static_cast<int32_t>(*read) : -1;
}

TEST(ThermalModel, IsAsWarmAsItIsTold) {
  ThermalModel model;
  EXPECT_EQ(Temperature(model, kTj), 46'500);
  model.SetTemperature(kTj, -5'000);
  EXPECT_EQ(Temperature(model, kTj), -5'000);
  EXPECT_EQ(Temperature(model, kGpu), 44'000);
}

TEST(ThermalModel, ATripIsReachedOnceAtEachCrossing) {
  ThermalModel model;
  model.SetTemperature(kTj, 94'999);
  EXPECT_THAT(model.TakeTrips(), IsEmpty());
  model.SetTemperature(kTj, 95'000);
  model.SetTemperature(kTj, 99'000);
  EXPECT_THAT(model.TakeTrips(), ElementsAre(kTj));
  EXPECT_THAT(model.TakeTrips(), IsEmpty());
  model.SetTemperature(kGpu, 95'000);
  model.SetTemperature(kTj, 50'000);
  EXPECT_THAT(model.TakeTrips(), ElementsAre(kGpu, kTj));
}

TEST(ThermalModel, AWindowIsTheZonesOwn) {
  ThermalModel model;
  model.SetWindow(kGpu, {40'000, 60'000});
  EXPECT_THAT(model.TakeTrips(), IsEmpty());
  model.SetTemperature(kGpu, 39'999);
  model.SetTemperature(kTj, 70'000);
  EXPECT_THAT(model.TakeTrips(), ElementsAre(kGpu));
  model.SetWindow(kGpu, {50'000, 60'000});
  EXPECT_THAT(model.TakeTrips(), ElementsAre(kGpu)) << "it is outside already";
}

TEST(ThermalModel, AZoneThatIsntHasNoTrip) {
  ThermalModel model;
  model.SetTemperature(kNone, 99'000);
  model.SetWindow(kNone, {0, 1});
  EXPECT_THAT(model.TakeTrips(), IsEmpty());
  EXPECT_EQ(model.Handle(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, kNone.value()}).error,
            -static_cast<int32_t>(mrq::Error::kInval));
}

}  // namespace
}  // namespace bpmp::backend::sim
