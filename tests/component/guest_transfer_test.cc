// SPDX-License-Identifier: Apache-2.0
// The unary Transfer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/base/clock.h"
#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kOneVm[] = R"(vms { name: "a" devices { device: "uarta" } })";

class GuestTransferTest : public ::testing::Test {
 protected:
  explicit GuestTransferTest(const std::string& limits = "")
      : broker_(absl::StrCat(kOneVm, limits)),
        stub_(v1::Guest::NewStub(ConnectTo(broker_.socket("a")))) {}

  grpc::Status Transfer(const v1::MrqRequest& request, v1::MrqResponse* response) {
    grpc::ClientContext context;
    v1::TransferRequest message;
    *message.mutable_request() = request;
    v1::TransferResponse answer;
    const grpc::Status status = stub_->Transfer(&context, message, &answer);
    *response = answer.response();
    return status;
  }
  mrq::Response Transfer(const mrq::Request& request) {
    v1::MrqResponse response;
    const grpc::Status status = Transfer(ToMessage(request), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return FromMessage(response);
  }
  void HangEnable() {
    auto hang = backend::sim::ParseFault("CLK ENABLE 155 hang");
    ASSERT_TRUE(hang.ok());
    broker_.sim().AddFault(*hang);
  }

  TestBroker broker_;
  std::unique_ptr<v1::Guest::Stub> stub_;
};

TEST_F(GuestTransferTest, AnswersWithoutASession) {
  EXPECT_EQ(*mrq::ReadU32(Transfer(Ping(21))), 42u);
  EXPECT_EQ(Transfer(Enable(kUarta)).error, 0);
  EXPECT_TRUE(broker_.Holds("a", kUarta)) << "until the VM is released";
  EXPECT_EQ(Transfer(Enable(kVic)).error, Failed(mrq::Error::kAccess));
  EXPECT_FALSE(broker_.sessions().Find(broker_.vm("a")).has_value());
}

TEST_F(GuestTransferTest, BadFramesAreAnswered) {
  v1::MrqRequest request;
  request.set_mrq(22);
  request.set_tx(std::string(121, 'x'));
  v1::MrqResponse response;
  EXPECT_TRUE(Transfer(request, &response).ok());
  EXPECT_EQ(response.error(), Failed(mrq::Error::kInval));
  request.set_tx(std::string(16, '\0'));
  request.set_rx_size(121);
  EXPECT_TRUE(Transfer(request, &response).ok());
  EXPECT_EQ(response.error(), Failed(mrq::Error::kInval));
}

TEST_F(GuestTransferTest, ATooLargeMessageIsRefused) {
  v1::MrqRequest request;
  request.set_tx(std::string(4 << 20, 'x'));
  v1::MrqResponse response;
  EXPECT_EQ(Transfer(request, &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(*mrq::ReadU32(Transfer(Ping(1))), 2u);
}

TEST_F(GuestTransferTest, AClientThatGivesUpIsLetGo) {
  HangEnable();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  v1::TransferRequest message;
  *message.mutable_request() = ToMessage(Enable(kUarta));
  v1::TransferResponse answer;
  const grpc::Status status = stub_->Transfer(&context, message, &answer);
  // Whichever clock was faster.
  EXPECT_TRUE(status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
              answer.response().error() == Failed(mrq::Error::kTimedOut))
      << status.error_message();
  EXPECT_EQ(*mrq::ReadU32(Transfer(Ping(1))), 2u);
  broker_.sim().ReleaseHangs();
}

class FewTransfersTest : public GuestTransferTest {
 protected:
  FewTransfersTest()
      : GuestTransferTest("limits { max_outstanding: 4 request_timeout_ms: 60000 }") {}
};

TEST_F(FewTransfersTest, TooManyAtATimeAreRefused) {
  HangEnable();
  struct Call {
    grpc::ClientContext context;
    v1::TransferRequest message;
    v1::TransferResponse answer;
    std::promise<grpc::Status> done;
  };
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 5; ++i) {
    calls.push_back(std::make_unique<Call>());
    Call* const call = calls.back().get();
    *call->message.mutable_request() = ToMessage(Enable(kUarta));
    stub_->async()->Transfer(&call->context, &call->message, &call->answer,
                             [call](grpc::Status status) { call->done.set_value(status); });
  }
  // Four wait for the hardware; one was refused at once, and only then the others may go on.
  std::vector<std::future<grpc::Status>> results;
  for (auto& call : calls) results.push_back(call->done.get_future());
  int refused = 0;
  while (refused == 0) {
    for (auto& result : results) {
      if (result.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) ++refused;
    }
  }
  EXPECT_EQ(refused, 1);
  broker_.sim().ReleaseHangs();
  int ok = 0;
  for (auto& result : results) {
    const grpc::Status status = result.get();
    if (status.ok()) {
      ++ok;
    } else {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      EXPECT_THAT(status.error_message(), HasSubstr("more than 4"));
    }
  }
  EXPECT_EQ(ok, 4);
}

class SlowTransfersTest : public GuestTransferTest {
 protected:
  SlowTransfersTest() : GuestTransferTest("limits { requests_per_second: 1000 burst: 5 }") {}
};

TEST_F(SlowTransfersTest, AVmOverItsRateIsSlowedAndNeverRefused) {
  const absl::Time start = MonotonicClock().Now();
  for (uint32_t i = 0; i < 45; ++i) EXPECT_EQ(*mrq::ReadU32(Transfer(Ping(i))), 2 * i);
  EXPECT_GE(MonotonicClock().Now() - start, absl::Milliseconds(30));  // 40 over the burst
}

}  // namespace
}  // namespace bpmp::testing
