// SPDX-License-Identifier: Apache-2.0
#include "broker/service/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace bpmp::service {
namespace {

using ::testing::EndsWith;

TEST(StatusTest, ASentenceIsItself) {
  const grpc::Status status = ToGrpc(absl::NotFoundError("no VM 'x'"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no VM 'x'");
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
}

TEST(StatusTest, ALongTextEndsWithAWholeLine) {
  std::string text;
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&text, "problem ", i, "\n");
  const std::string told = ToGrpc(absl::InvalidArgumentError(text)).error_message();
  EXPECT_LT(told.size(), kMaxStatusText + 20);
  EXPECT_THAT(told, EndsWith("problem 178\n(and more)"));
}

TEST(StatusTest, ALongLineIsCut) {
  const std::string told = ToGrpc(absl::InternalError(std::string(9000, 'x'))).error_message();
  EXPECT_EQ(told, std::string(kMaxStatusText, 'x') + "\n(and more)");
}

}  // namespace
}  // namespace bpmp::service
