// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_PLL_FIXTURE_H_
#define BROKER_CORE_TESTING_PLL_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>

#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"

namespace bpmp::core::testing {

// A board on which pllb (600 MHz) is a PLL: vic and nvdec divide it by 4, link, bus and lane by 10.
// Rates are in MHz.
class PllTest : public ::testing::Test {
 protected:
  PllTest() { rig_.firmware().AddPll(kPllB); }

  // The new rate, or the error.
  int64_t Set(VmId vm, ClockId clock, int64_t mhz) {
    const mrq::Response response = rig_.Call(vm, SetRate(clock, mhz * kMHz));
    return response.ok() ? mrq::ReadRate(response).value_or(-1) / kMHz : response.error;
  }
  int64_t Now(ClockId clock) { return rig_.firmware().rate(clock) / kMHz; }
  int64_t Told(ClockId clock) { return rig_.Status(clock).rate_hz / kMHz; }

  Rig rig_;
};

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_PLL_FIXTURE_H_
