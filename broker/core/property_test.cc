// SPDX-License-Identifier: Apache-2.0
// Random interleavings of nine VMs, the host, deaths, impatience and a backend that fails, against
// the reference model. BPMP_PROPERTY_SEED repeats a walk, BPMP_PROPERTY_STEPS makes each longer.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "broker/core/testing/random_walk.h"
#include "broker/core/testing/walk_seed.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

constexpr uint64_t kDefaultSteps = 140'000;

uint64_t Steps(uint64_t otherwise) {
  const char* const steps = std::getenv("BPMP_PROPERTY_STEPS");
  return steps == nullptr ? otherwise : std::strtoull(steps, nullptr, 0);
}

void Walk(const Weather& weather, uint64_t default_steps = kDefaultSteps) {
  const uint64_t seed = WalkSeed();
  const uint64_t steps = Steps(default_steps);
  const std::string repeat = HowToRepeat(seed);
  SCOPED_TRACE(repeat);
  std::printf("%s\n", repeat.c_str());
  const auto start = std::chrono::steady_clock::now();
  RandomWalk walk(seed, weather);
  walk.Run(steps);
  walk.End();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!walk.complaint().empty()) {
    ADD_FAILURE() << walk.complaint();
  } else {
    EXPECT_GE(walk.steps(), steps);
  }
  std::printf("%llu steps, %llu transfers, %llu rests, %.0f steps/s\n",
              static_cast<unsigned long long>(walk.steps()),
              static_cast<unsigned long long>(walk.transfers()),
              static_cast<unsigned long long>(walk.rests()),
              static_cast<double>(walk.steps()) / took.count());
}

// Eight walks, so that ctest runs them in parallel; the one that has it all goes furthest.

TEST(PropertyTest, NothingFails) { Walk({0, 0, 0, 0, 0, 0}); }

TEST(PropertyTest, VmsDie) { Walk({0, 0, 0, 0, 20, 0}); }

TEST(PropertyTest, CallersGiveUp) { Walk({0, 0, 0, 60, 10, 10}); }

TEST(PropertyTest, TheFirmwareRefuses) { Walk({150, 0, 0, 0, 10, 0}); }

TEST(PropertyTest, TransfersFail) { Walk({0, 150, 0, 20, 10, 0}); }

TEST(PropertyTest, AnswersAreLost) { Walk({0, 0, 200, 20, 10, 10}); }

TEST(PropertyTest, EverythingGoesWrong) { Walk({100, 100, 100, 40, 20, 20}, 1'000'000); }

TEST(PropertyTest, HardlyAnythingWorks) { Walk({300, 300, 500, 100, 50, 30}); }

}  // namespace
}  // namespace bpmp::core::testing
