// SPDX-License-Identifier: Apache-2.0
#include "broker/service/pending_trips.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::service {
namespace {

using ::testing::ElementsAre;

std::vector<uint32_t> TakeAll(PendingTrips* trips) {
  std::vector<uint32_t> zones;
  while (!trips->empty()) zones.push_back(trips->Take().value());
  return zones;
}

TEST(PendingTrips, EachZoneOnce) {
  PendingTrips trips;
  EXPECT_TRUE(trips.empty());
  EXPECT_TRUE(trips.Add(ThermalZoneId(8)));
  EXPECT_FALSE(trips.Add(ThermalZoneId(8)));
  EXPECT_TRUE(trips.Add(ThermalZoneId(0)));
  EXPECT_TRUE(trips.Add(ThermalZoneId(31)));
  EXPECT_THAT(TakeAll(&trips), ElementsAre(0, 8, 31));
  EXPECT_TRUE(trips.Add(ThermalZoneId(8)));
  EXPECT_THAT(TakeAll(&trips), ElementsAre(8));
}

TEST(PendingTrips, AZoneThatNobodyCanHaveIsNone) {
  PendingTrips trips;
  EXPECT_FALSE(trips.Add(ThermalZoneId(32)));
  EXPECT_FALSE(trips.Add(ThermalZoneId(~uint32_t{0})));
  EXPECT_TRUE(trips.empty());
}

TEST(PendingTrips, OneThatComesAgainAtOnceLetsTheOthersGoFirst) {
  PendingTrips trips;
  for (const uint32_t zone : {1u, 4u, 31u}) trips.Add(ThermalZoneId(zone));
  std::vector<uint32_t> zones;
  for (int i = 0; i < 5; ++i) {
    zones.push_back(trips.Take().value());
    trips.Add(ThermalZoneId(1));
  }
  EXPECT_THAT(zones, ElementsAre(1, 4, 31, 1, 1));
}

}  // namespace
}  // namespace bpmp::service
