// SPDX-License-Identifier: Apache-2.0
// Admin.DrainVm and UndrainVm: who may still use a VM, and what.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/daemon/config.h"
#include "tests/component/drain_fixture.h"
#include "tests/lib/child_guest.h"

namespace bpmp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

mrq::Request EnableRequest(ClockId clock) {
  return mrq::ClkRequest{mrq::ClkCmd::kEnable, clock, 0, ClockId()};
}

class AdminDrainTest : public DrainFixture {
 protected:
  size_t CountEvents(std::string_view kind) {
    size_t count = 0;
    for (uint64_t number = 1; number <= broker_.events().last(); ++number) {
      count += broker_.events().Read(number)->kind == kind ? 1 : 0;
    }
    return count;
  }
  v1::TransferAsResponse EnableAs(const std::string& vm, ClockId clock) {
    v1::TransferAsResponse response;
    const grpc::Status status =
        Call(*Admin(), &v1::Admin::Stub::TransferAs, &response, [&](auto* request) {
          request->set_vm(vm);
          *request->mutable_request() = ToMessage(EnableRequest(clock));
        });
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(AdminDrainTest, ADrainedVmTakesNoNewSession) {
  const v1::Vm vm = Drained("serial-vm");
  EXPECT_TRUE(vm.draining());
  EXPECT_TRUE(vm.free());
  const grpc::Status refused = OpenSession("serial-vm");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(refused.error_message(),
            "VM serial-vm is being drained and takes no new session; an administrator can let it: "
            "bpmpctl vm undrain serial-vm");
  const auto event = broker_.WaitFor(service::event_kind::kSessionRefused, "serial-vm");
  EXPECT_THAT(event.text, HasSubstr("the VM is being drained"));
  EXPECT_TRUE(OpenSession("voter-vm").ok()) << "others aren't concerned";

  ASSERT_TRUE(Undrain("serial-vm").ok());
  EXPECT_FALSE(Get("serial-vm").draining());
  EXPECT_TRUE(OpenSession("serial-vm").ok());
}

TEST_F(AdminDrainTest, ItIsSeenEverywhere) {
  Drained("serial-vm");
  Drained("video-vm");
  v1::ServerStatus status;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::GetServerStatus, &status, [](auto*) {}).ok());
  EXPECT_THAT(status.draining(), ElementsAre("serial-vm", "video-vm"));
  v1::ListVmsResponse list;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::ListVms, &list, [](auto*) {}).ok());
  for (const v1::Vm& vm : list.vms()) {
    EXPECT_EQ(vm.draining(), vm.name() == "serial-vm" || vm.name() == "video-vm") << vm.name();
  }
  const auto event = broker_.WaitFor(service::event_kind::kVmDraining, "serial-vm");
  EXPECT_EQ(event.text, "it takes no new session; it has none");
}

TEST_F(AdminDrainTest, TheSessionGoesOnAndMayReconnect) {
  GuestClient first(broker_.socket("serial-vm"));
  const uint64_t id = first.Hello().session_id();
  EXPECT_FALSE(Drained("serial-vm").free());
  EXPECT_EQ(first.Transfer(EnableRequest(kUarta)).error, 0);
  EXPECT_EQ(Enable("serial-vm", Named("pllp_out0")).error(), 0) << "its VM is in use";
  // A new one of the same process would be another.
  EXPECT_EQ(OpenSession("serial-vm").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(OpenSession("serial-vm", id + 1).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  first.KeepAlive();
  GuestClient second(broker_.socket("serial-vm"));
  EXPECT_TRUE(second.Hello(id).resumed());
  EXPECT_EQ(first.Finish().error_code(), grpc::StatusCode::ABORTED);
  second.KeepAlive();
}

TEST_F(AdminDrainTest, OnceTheSessionIsOverNothingIsTaken) {
  ChildGuest child;
  ASSERT_THAT(child.Ask("hello " + broker_.socket("serial-vm")), StartsWith("welcome"));
  ASSERT_EQ(child.Ask("enable 155"), "answer 0");
  Drained("serial-vm");
  child.Kill();
  broker_.WaitFor("released", "serial-vm");
  EXPECT_FALSE(Enabled(kUarta));
  const v1::Outcome outcome = Enable("serial-vm", Named("uarta"));
  EXPECT_EQ(outcome.error_name(), "EACCES");
  EXPECT_THAT(outcome.reason(), HasSubstr("the VM is drained"));
  EXPECT_EQ(Disable("serial-vm", Named("uarta")).error(), 0);
  const v1::TransferAsResponse as = EnableAs("serial-vm", kUarta);
  EXPECT_EQ(as.reason(), "drained");
  EXPECT_EQ(as.response().error(), -13);
  EXPECT_FALSE(Enabled(kUarta));
  EXPECT_TRUE(Get("serial-vm").free());
  ASSERT_TRUE(Undrain("serial-vm").ok());
  EXPECT_EQ(Enable("serial-vm", Named("uarta")).error(), 0);
}

TEST_F(AdminDrainTest, WhatWasTakenWithoutASessionStaysUntilItIsGivenUp) {
  Enable("serial-vm", Named("uarta"));
  EXPECT_FALSE(Drained("serial-vm").free());
  EXPECT_TRUE(Enabled(kUarta));
  EXPECT_EQ(Disable("serial-vm", Named("uarta")).error(), 0);
  EXPECT_TRUE(Get("serial-vm").free());
}

TEST_F(AdminDrainTest, ByChoiceTheSessionEndsAndAllIsUndone) {
  GuestClient guest(broker_.socket("serial-vm"));
  guest.Hello();
  EXPECT_EQ(guest.Transfer(EnableRequest(kUarta)).error, 0);
  Drained("serial-vm", v1::DrainVmRequest::END);
  const grpc::Status end = guest.Finish();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(end.error_message(),
            "VM serial-vm is drained: an administrator ended its session and released it");
  const auto wait = Wait("serial-vm");
  EXPECT_TRUE(wait->End().ok());
  EXPECT_TRUE(wait->response().drained());
  EXPECT_FALSE(Enabled(kUarta));
  EXPECT_EQ(OpenSession("serial-vm").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(AdminDrainTest, AgainIsNoErrorAndCanStillEndTheSession) {
  GuestClient guest(broker_.socket("serial-vm"));
  guest.Hello();
  Drained("serial-vm");
  Drained("serial-vm");
  guest.KeepAlive();
  Drained("serial-vm", v1::DrainVmRequest::END);
  EXPECT_EQ(guest.Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(Undrain("serial-vm").ok());
  EXPECT_TRUE(Undrain("serial-vm").ok());
  EXPECT_EQ(CountEvents(service::event_kind::kVmDraining), 1u);
  EXPECT_EQ(CountEvents(service::event_kind::kVmUndrained), 1u);
}

TEST_F(AdminDrainTest, AnUnknownVmIsSaidWithThoseThereAre) {
  v1::DrainVmResponse response;
  const grpc::Status drain = Drain("serial", &response);
  EXPECT_EQ(drain.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(drain.error_message(), StartsWith("no vm 'serial'; there are serial-vm, "));
  EXPECT_EQ(Drain("", &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Undrain("serial").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminDrainTest, ItEndsWithTheVm) {
  Drained("serial-vm");
  ASSERT_TRUE(Delete("serial-vm").ok());
  v1::DefineVmResponse response;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::DefineVm, &response, [](auto* request) {
                request->mutable_vm()->set_name("serial-vm");
                request->mutable_vm()->add_devices()->set_device("uarta");
              }).ok());
  EXPECT_FALSE(response.vm().draining());
  EXPECT_TRUE(OpenSession("serial-vm").ok());
}

TEST_F(AdminDrainTest, AReloadLeavesItAsItIs) {
  Drained("serial-vm");
  v1::Config config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(vms {
             name: "serial-vm"
             devices { device: "uarta" }
             clocks { name: "i2c1" access: ACCESS_VOTE }
           })pb",
      &config));
  config.set_runtime_dir(broker_.directory());
  ASSERT_TRUE(daemon::ApplyDefaults({}, broker_.directory(), &config).ok());
  const auto reloaded = broker_.registry().Reload(&config, nullptr, {});
  ASSERT_TRUE(reloaded.ok()) << reloaded.status();
  const v1::Vm vm = Get("serial-vm");
  EXPECT_EQ(vm.config().clocks_size(), 1);
  EXPECT_TRUE(vm.draining());
  EXPECT_EQ(OpenSession("serial-vm").error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

// A broker that is started again remembers nothing of it: docs/adr.
TEST_F(AdminDrainTest, ItEndsWithTheBroker) {
  Drained("serial-vm");
  broker_.Crash();
  broker_.Restart();
  EXPECT_FALSE(Get("serial-vm").draining());
  EXPECT_TRUE(OpenSession("serial-vm").ok());
}

}  // namespace
}  // namespace bpmp::testing
