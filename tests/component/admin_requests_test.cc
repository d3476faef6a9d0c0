// SPDX-License-Identifier: Apache-2.0
// Admin: requests of the host, and in the name of a VM.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "broker/mrq/codec.h"
#include "tests/component/admin_fixture.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kMHz = 1'000'000;

v1::ResourceRef Uarta() { return Named("uarta", v1::RESOURCE_KIND_CLOCK); }

mrq::ClkRequest Clk(mrq::ClkCmd command, ClockId clock) {
  mrq::ClkRequest request;
  request.cmd = command;
  request.clock = clock;
  return request;
}

class AdminRequestsTest : public AdminFixture {
 protected:
  AdminRequestsTest() : AdminFixture() {}

  grpc::Status Pin(const v1::ResourceRef& ref, int64_t rate_hz, v1::PinResponse* response) {
    return Call(*Admin(), &v1::Admin::Stub::Pin, response, [&](auto* request) {
      *request->mutable_resource() = ref;
      request->set_rate_hz(rate_hz);
    });
  }
  v1::Outcome Pin(const v1::ResourceRef& ref, int64_t rate_hz = 0) {
    v1::PinResponse response;
    const grpc::Status status = Pin(ref, rate_hz, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.outcome();
  }
  v1::UnpinResponse Unpin(const v1::ResourceRef& ref) {
    v1::UnpinResponse response;
    EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::Unpin, &response, [&](auto* request) {
                  *request->mutable_resource() = ref;
                }).ok());
    return response;
  }
  v1::SetRateResponse SetRate(const std::string& vm, int64_t rate_hz) {
    v1::SetRateResponse response;
    EXPECT_TRUE(Call(*Clocks(vm), &v1::Clocks::Stub::SetRate, &response, [&](auto* request) {
                  *request->mutable_clock() = Uarta();
                  request->set_rate_hz(rate_hz);
                }).ok());
    return response;
  }
  grpc::Status TransferAs(const std::string& vm, const v1::MrqRequest& asked,
                          v1::TransferAsResponse* response) {
    return Call(*Admin(), &v1::Admin::Stub::TransferAs, response, [&](auto* request) {
      request->set_vm(vm);
      *request->mutable_request() = asked;
    });
  }
  v1::TransferAsResponse TransferAs(const std::string& vm, const mrq::Request& asked) {
    v1::TransferAsResponse response;
    EXPECT_TRUE(TransferAs(vm, ToMessage(asked), &response).ok());
    return response;
  }
};

TEST_F(AdminRequestsTest, APinnedClockIsTheHosts) {
  EXPECT_EQ(Pin(Uarta()).error(), 0);
  EXPECT_TRUE(Enabled(kUarta));
  EXPECT_TRUE(Get(Uarta()).pinned());
  EXPECT_THAT(Get(Uarta()).holders(), ElementsAre("host"));
  // The VM's last vote doesn't turn it off.
  Enable("serial-vm", Uarta());
  Disable("serial-vm", Uarta());
  EXPECT_TRUE(Enabled(kUarta));

  EXPECT_EQ(Unpin(Uarta()).outcome().error(), 0);
  EXPECT_FALSE(Enabled(kUarta));
  EXPECT_FALSE(Get(Uarta()).pinned());
}

TEST_F(AdminRequestsTest, PinningAgainIsSuccessAndSo) {
  Pin(Uarta());
  EXPECT_EQ(Pin(Uarta()).error(), 0);
  Unpin(Uarta());
  const v1::Outcome again = Unpin(Uarta()).outcome();
  EXPECT_EQ(again.error(), 0);
  EXPECT_FALSE(again.reason().empty());
}

TEST_F(AdminRequestsTest, APinnedRateIsEverybodysRate) {
  const int64_t rate = 102 * kMHz;
  EXPECT_EQ(Pin(Uarta(), rate).error(), 0);
  EXPECT_EQ(Get(Uarta()).pinned_rate_hz(), Rate(kUarta));
  const v1::SetRateResponse refused = SetRate("serial-vm", Rate(kUarta) / 2);
  EXPECT_EQ(refused.outcome().error_name(), "EBUSY");
  EXPECT_THAT(refused.outcome().reason(), HasSubstr("the host pinned the rate"));
  EXPECT_THAT(refused.outcome().reason(), HasSubstr("In the way: host"));

  Unpin(Uarta());
  EXPECT_EQ(Get(Uarta()).pinned_rate_hz(), 0);
  EXPECT_EQ(SetRate("serial-vm", rate / 2).outcome().error(), 0);
}

TEST_F(AdminRequestsTest, APinThatFailsHalfwayIsUndone) {
  AddFault("CLK SET_RATE uarta error=EIO");
  const v1::Outcome outcome = Pin(Uarta(), 51 * kMHz);
  EXPECT_EQ(outcome.error_name(), "EIO");
  EXPECT_EQ(outcome.reason(), "the firmware refused");
  EXPECT_FALSE(Get(Uarta()).pinned());
  EXPECT_FALSE(Enabled(kUarta));
}

TEST_F(AdminRequestsTest, APinThatWasThereBeforeIsKeptWhenItsRateFails) {
  Pin(Uarta());
  AddFault("CLK SET_RATE uarta error=EIO");
  EXPECT_EQ(Pin(Uarta(), 51 * kMHz).error_name(), "EIO");
  EXPECT_TRUE(Get(Uarta()).pinned());
  EXPECT_TRUE(Enabled(kUarta));
}

TEST_F(AdminRequestsTest, ARateThatAVmReliesOnIsNotPinned) {
  Enable("serial-vm", Uarta());
  const v1::Outcome outcome = Pin(Uarta(), Rate(kUarta) / 2);
  EXPECT_EQ(outcome.error_name(), "EBUSY");
  EXPECT_THAT(outcome.reason(), HasSubstr("serial-vm"));
  EXPECT_FALSE(Get(Uarta()).pinned());
}

TEST_F(AdminRequestsTest, APowerDomainCanBePinned) {
  const v1::ResourceRef vic = Named("vic", v1::RESOURCE_KIND_POWER_DOMAIN);
  EXPECT_EQ(Pin(vic).error(), 0);
  EXPECT_TRUE(Powered(kVicDomain));
  EXPECT_EQ(Unpin(vic).outcome().error(), 0);
  EXPECT_FALSE(Powered(kVicDomain));
}

TEST_F(AdminRequestsTest, UnpinNamesWhoMustReboot) {
  Pin(Uarta());
  // A kernel that is shown the pin sends neither ENABLE nor DISABLE until it boots again.
  const v1::TransferAsResponse info =
      TransferAs("serial-vm", Clk(mrq::ClkCmd::kGetAllInfo, kUarta));
  ASSERT_EQ(info.response().error(), 0);
  EXPECT_THAT(Get(Uarta()).implied(), Contains("serial-vm"));
  EXPECT_THAT(Unpin(Uarta()).reboot_to_see(), ElementsAre("serial-vm"));
  EXPECT_TRUE(Enabled(kUarta));
}

TEST_F(AdminRequestsTest, WhatCantBePinnedIsRefused) {
  v1::PinResponse response;
  EXPECT_EQ(Pin(Named("uarta", v1::RESOURCE_KIND_RESET), 0, &response).error_message(),
            "a reset can't be pinned; clocks and power domains can");
  EXPECT_EQ(Pin(Named("vic", v1::RESOURCE_KIND_POWER_DOMAIN), 5, &response).error_message(),
            "only a clock has a rate");
  EXPECT_EQ(Pin(Uarta(), -5, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Pin(Named("uartaa", v1::RESOURCE_KIND_CLOCK), 0, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Pin(Named("uarta"), 0, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdminRequestsTest, ATransferIsTheVmsOwn) {
  const v1::TransferAsResponse enable = TransferAs("serial-vm", Clk(mrq::ClkCmd::kEnable, kUarta));
  EXPECT_EQ(enable.response().error(), 0);
  EXPECT_EQ(enable.reason(), "edge");
  EXPECT_TRUE(Enabled(kUarta));
  EXPECT_THAT(Get(Uarta()).holders(), ElementsAre("serial-vm"));

  const v1::TransferAsResponse denied = TransferAs("serial-vm", Clk(mrq::ClkCmd::kEnable, kVic));
  EXPECT_EQ(denied.response().error(), -13);
  EXPECT_EQ(denied.reason(), "not-permitted");
  EXPECT_THAT(denied.reason_text(), HasSubstr("serial-vm has 'none' on vic"));
}

TEST_F(AdminRequestsTest, ATransfersAnswerFitsTheRoomThereIs) {
  v1::MrqRequest ping = ToMessage(mrq::PingRequest{false, 21});
  ping.set_rx_size(6);
  v1::TransferAsResponse response;
  ASSERT_TRUE(TransferAs("serial-vm", ping, &response).ok());
  EXPECT_EQ(response.response().rx(), std::string("\x2a\0\0\0\0\0", 6));
  EXPECT_EQ(response.reason(), "local");
  ping.set_rx_size(0);
  ASSERT_TRUE(TransferAs("serial-vm", ping, &response).ok());
  EXPECT_THAT(response.response().rx(), IsEmpty());
}

TEST_F(AdminRequestsTest, ATransferThatIsNoRequestIsAnsweredLikeTheVms) {
  v1::MrqRequest debug;
  debug.set_mrq(75);
  debug.set_tx(std::string(8, '\0'));
  v1::TransferAsResponse response;
  ASSERT_TRUE(TransferAs("serial-vm", debug, &response).ok());
  EXPECT_EQ(response.response().error(), -22);
  EXPECT_EQ(response.reason(), "not-forwarded");
  EXPECT_EQ(response.reason_text(), "MRQ 75 (DEBUG) is not one that a VM may send");
  debug.set_rx_size(121);
  EXPECT_EQ(TransferAs("serial-vm", debug, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(TransferAs("nobody", debug, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminRequestsTest, ATransferOfAPartOfARequestIsToldWhatIsMissing) {
  v1::MrqRequest frame;
  frame.set_mrq(22);
  frame.set_tx(std::string("\x9b\0\0", 3));
  v1::TransferAsResponse response;
  ASSERT_TRUE(TransferAs("serial-vm", frame, &response).ok());
  EXPECT_EQ(response.response().error(), -22);
  EXPECT_EQ(response.reason(), "bad-argument");
  EXPECT_THAT(response.reason_text(), HasSubstr("needs 4 bytes, the request has 3"));
}

// --- A backend that hangs -----------------------------------------------------------------------

// What is asked of it may wait for a minute, and the broker stops all the same.
class AdminStopTest : public ::testing::Test {
 protected:
  // Asks, waits until the firmware hangs over it, and stops the broker. Returns how the call ended.
  template <typename Request, typename Response>
  grpc::Status StopDuring(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*,
                                                                  const Request&, Response*),
                          const Request& request) {
    broker_->sim().AddFault(*backend::sim::ParseFault("CLK ENABLE 155 hang"));
    const auto admin = v1::Admin::NewStub(ConnectTo(broker_->admin_socket()));
    auto ended = std::async(std::launch::async, [&] {
      grpc::ClientContext context;
      Response response;
      return ((*admin).*method)(&context, request, &response);
    });
    broker_->sim().WaitUntilHanging(1);
    broker_ = nullptr;
    return ended.get();
  }

  std::unique_ptr<TestBroker> broker_ = std::make_unique<TestBroker>(
      R"(vms { name: "a" devices { device: "uarta" } } limits { request_timeout_ms: 60000 })");
};

TEST_F(AdminStopTest, APinThatHangsIsGivenUp) {
  v1::PinRequest request;
  *request.mutable_resource() = Uarta();
  EXPECT_FALSE(StopDuring(&v1::Admin::Stub::Pin, request).ok());
}

TEST_F(AdminStopTest, ATransferThatHangsIsGivenUp) {
  v1::TransferAsRequest request;
  request.set_vm("a");
  *request.mutable_request() = ToMessage(Clk(mrq::ClkCmd::kEnable, kUarta));
  EXPECT_FALSE(StopDuring(&v1::Admin::Stub::TransferAs, request).ok());
}

}  // namespace
}  // namespace bpmp::testing
