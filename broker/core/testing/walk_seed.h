// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_WALK_SEED_H_
#define BROKER_CORE_TESTING_WALK_SEED_H_

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace bpmp::core::testing {

// Where a random walk begins: at BPMP_PROPERTY_SEED, or elsewhere each time.
inline uint64_t WalkSeed() {
  const char* const seed = std::getenv("BPMP_PROPERTY_SEED");
  return seed == nullptr ? std::random_device()() : std::strtoull(seed, nullptr, 0);
}

// What a failure says: how to have the same walk again.
inline std::string HowToRepeat(uint64_t seed) {
  return "BPMP_PROPERTY_SEED=" + std::to_string(seed);
}

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_WALK_SEED_H_
