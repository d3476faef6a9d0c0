// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_DECISION_TABLE_H_
#define BROKER_CORE_TESTING_DECISION_TABLE_H_

#include <cstdint>
#include <utility>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {

// What every request does, one test a cell: each row of the decision table for a VM that is alone
// on the resource, for one that shares it with another holder, and for one that may not use it.
class DecisionTable : public ::testing::Test {
 protected:
  explicit DecisionTable(Board board = MakeBoard()) : rig_(std::move(board)) {}

  // Asserts that the request is answered at once, without the hardware.
  mrq::Response AtOnce(VmId vm, const mrq::Request& request) {
    const Ticket ticket = rig_.Ask(vm, request);
    EXPECT_EQ(rig_.Of(ticket).kind, Decision::Kind::kReply) << mrq::Describe(request);
    EXPECT_EQ(rig_.in_flight(), 0u) << rig_.Flying();
    return rig_.Of(ticket).answer.value_or(mrq::Response{});
  }
  int32_t ErrorAtOnce(VmId vm, const mrq::Request& request) { return AtOnce(vm, request).error; }
  int64_t RateAtOnce(VmId vm, const mrq::Request& request) {
    const mrq::Response response = AtOnce(vm, request);
    EXPECT_EQ(response.error, 0);
    return mrq::ReadRate(response).value_or(-1);
  }
  uint32_t WordAtOnce(VmId vm, const mrq::Request& request) {
    const mrq::Response response = AtOnce(vm, request);
    EXPECT_EQ(response.error, 0);
    return mrq::ReadU32(response).value_or(0xffffffff);
  }
  int64_t Rate(VmId vm, const mrq::Request& request) {
    const mrq::Response response = rig_.Call(vm, request);
    EXPECT_EQ(response.error, 0);
    return mrq::ReadRate(response).value_or(-1);
  }
  mrq::ClkInfo Info(VmId vm, ClockId clock) {
    const mrq::Response response = AtOnce(vm, GetInfo(clock));
    EXPECT_EQ(response.error, 0);
    const absl::StatusOr<mrq::ClkInfo> info = mrq::ReadClkInfo(response);
    EXPECT_TRUE(info.ok()) << info.status();
    return info.value_or(mrq::ClkInfo{});
  }
  const Event* Last(EventKind kind) {
    for (auto it = rig_.observer().events.rbegin(); it != rig_.observer().events.rend(); ++it) {
      if (it->kind == kind) return &*it;
    }
    return nullptr;
  }

  Rig rig_;
};

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_DECISION_TABLE_H_
