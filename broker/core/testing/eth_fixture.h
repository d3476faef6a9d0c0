// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_ETH_FIXTURE_H_
#define BROKER_CORE_TESTING_ETH_FIXTURE_H_

#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {

// A device with a power domain, clocks and resets that a VM has all to itself.
class EthFixture : public ::testing::Test {
 protected:
  // All that its driver does.
  void UseEth() {
    for (const mrq::Request& request :
         {PowerOn(kEthDomain), Enable(kPllADiv), Enable(kEthApp), Enable(kEthTx),
          SetRate(kEthApp, 80 * kMHz), Deassert(kEthReset), Pulse(kEthPcsReset)}) {
      EXPECT_EQ(rig_.Error(kEthVm, request), 0) << mrq::Describe(request);
    }
    rig_.backend().ClearLog();
  }

  Rig rig_;
};

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_ETH_FIXTURE_H_
