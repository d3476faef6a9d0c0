// SPDX-License-Identifier: Apache-2.0
#include "broker/base/status_macros.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp {
namespace {

using ::testing::ElementsAre;

absl::Status Log(std::vector<int>* log, int step, absl::Status status) {
  log->push_back(step);
  return status;
}

absl::Status RunAll(std::vector<int>* log, const absl::Status& second) {
  BPMP_RETURN_IF_ERROR(Log(log, 1, absl::OkStatus()));
  BPMP_RETURN_IF_ERROR(Log(log, 2, second));
  BPMP_RETURN_IF_ERROR(Log(log, 3, absl::OkStatus()));
  return absl::OkStatus();
}

absl::StatusOr<int> Sum(const absl::StatusOr<int>& a, absl::StatusOr<int> b) {
  BPMP_ASSIGN_OR_RETURN(const int left, a);
  int right = 0;
  BPMP_ASSIGN_OR_RETURN(right, std::move(b));
  return left + right;
}

absl::StatusOr<std::unique_ptr<std::string>> Pass(absl::StatusOr<std::unique_ptr<std::string>> in) {
  BPMP_ASSIGN_OR_RETURN(std::unique_ptr<std::string> text, std::move(in));
  return text;
}

TEST(StatusMacrosTest, ReturnIfErrorGoesOnWhileOkAndRunsEachOnce) {
  std::vector<int> log;
  EXPECT_TRUE(RunAll(&log, absl::OkStatus()).ok());
  EXPECT_THAT(log, ElementsAre(1, 2, 3));
}

TEST(StatusMacrosTest, ReturnIfErrorLeavesWithTheFirstErrorUnchanged) {
  std::vector<int> log;
  EXPECT_EQ(RunAll(&log, absl::NotFoundError("clock 9")), absl::NotFoundError("clock 9"));
  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST(StatusMacrosTest, AssignOrReturnAssigns) { EXPECT_EQ(Sum(2, 3).value(), 5); }

TEST(StatusMacrosTest, AssignOrReturnLeavesWithTheFirstErrorUnchanged) {
  EXPECT_EQ(Sum(absl::AbortedError("a"), absl::InternalError("b")).status(),
            absl::AbortedError("a"));
  EXPECT_EQ(Sum(2, absl::InternalError("b")).status(), absl::InternalError("b"));
}

TEST(StatusMacrosTest, AssignOrReturnMovesTheValue) {
  const auto text = Pass(std::make_unique<std::string>("moved"));
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(**text, "moved");
  EXPECT_EQ(Pass(absl::UnknownError("x")).status(), absl::UnknownError("x"));
}

}  // namespace
}  // namespace bpmp
