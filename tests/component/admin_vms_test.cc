// SPDX-License-Identifier: Apache-2.0
// Admin: the broker's own state, and the lives of VMs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "tests/component/admin_fixture.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AdminVmsTest : public AdminFixture {
 protected:
  AdminVmsTest() : AdminFixture() {}

  v1::ServerStatus Status() {
    v1::ServerStatus status;
    EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::GetServerStatus, &status, [](auto*) {}).ok());
    return status;
  }
  grpc::Status Define(const std::string& name, const std::string& device,
                      v1::DefineVmResponse* response) {
    return Call(*Admin(), &v1::Admin::Stub::DefineVm, response, [&](auto* request) {
      request->mutable_vm()->set_name(name);
      if (!device.empty()) request->mutable_vm()->add_devices()->set_device(device);
    });
  }
  grpc::Status Delete(const std::string& name) {
    v1::DeleteVmResponse response;
    return Call(*Admin(), &v1::Admin::Stub::DeleteVm, &response,
                [&](auto* request) { request->set_name(name); });
  }
  grpc::Status Release(const std::string& name, v1::ReleaseVmResponse* response) {
    return Call(*Admin(), &v1::Admin::Stub::ReleaseVm, response,
                [&](auto* request) { request->set_name(name); });
  }
};

TEST_F(AdminVmsTest, StatusCountsWhatThereIs) {
  const v1::ServerStatus status = Status();
  EXPECT_EQ(status.version(), "test");
  EXPECT_EQ(status.backend(), "sim");
  EXPECT_GT(status.started().seconds(), 1'600'000'000);
  EXPECT_FALSE(status.firmware_tag().empty());
  EXPECT_EQ(status.vms(), 4u);
  EXPECT_EQ(status.sessions(), 0u);
  EXPECT_EQ(status.clocks(), 435u);
  EXPECT_EQ(status.power_domains(), 31u);
  EXPECT_EQ(status.quarantined(), 0u);
  EXPECT_EQ(status.transfers_overdue(), 0u);
  EXPECT_EQ(status.last_event(), broker_.events().last());
}

TEST_F(AdminVmsTest, ASessionShowsInStatusAndVm) {
  GuestClient guest(broker_.socket("serial-vm"));
  const v1::Welcome welcome = guest.Hello(0, "qemu 10.0.2");
  EXPECT_EQ(Status().sessions(), 1u);
  const v1::Vm vm = Get("serial-vm");
  EXPECT_EQ(vm.session().id(), welcome.session_id());
  EXPECT_TRUE(vm.session().connected());
  EXPECT_EQ(vm.session().client(), "qemu 10.0.2");
  EXPECT_EQ(vm.session().uid(), geteuid());
  EXPECT_GT(vm.session().since().seconds(), 1'600'000'000);
  EXPECT_FALSE(Get("voter-vm").has_session());
}

TEST_F(AdminVmsTest, AVmShowsWhatItHolds) {
  Enable("serial-vm", Named("uarta"));
  Enable("serial-vm", Named("pllp_out0"));
  v1::DeassertResetResponse deassert;
  Call(*Resets("serial-vm"), &v1::Resets::Stub::DeassertReset, &deassert,
       [](auto* request) { *request->mutable_reset() = Named("uarta"); });
  const v1::Vm vm = Get("serial-vm");
  EXPECT_EQ(vm.name(), "serial-vm");
  EXPECT_EQ(vm.socket(), broker_.socket("serial-vm"));
  EXPECT_FALSE(vm.releasing());
  EXPECT_EQ(vm.clock_votes(), 2u);
  EXPECT_EQ(vm.power_domain_votes(), 0u);
  EXPECT_EQ(vm.waiting(), 0u);
  EXPECT_EQ(vm.config().devices(0).device(), "uarta");
  std::vector<std::string> clocks;
  for (const v1::ResourceState& state : vm.holds()) {
    if (state.kind() == v1::RESOURCE_KIND_CLOCK) clocks.push_back(state.name());
    EXPECT_THAT(state.holders(), ::testing::Contains("serial-vm"));
  }
  EXPECT_THAT(clocks, ElementsAre("pllp_out0", "uarta"));
}

TEST_F(AdminVmsTest, ListsTheVmsByName) {
  Enable("serial-vm", Named("uarta"));
  v1::ListVmsResponse list;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::ListVms, &list, [](auto*) {}).ok());
  std::vector<std::string> names;
  for (const v1::Vm& vm : list.vms()) {
    names.push_back(vm.name());
    EXPECT_EQ(vm.holds_size(), 0);
    EXPECT_EQ(vm.clock_votes(), vm.name() == "serial-vm" ? 1u : 0u);
  }
  EXPECT_THAT(names, ElementsAre("hidden-vm", "serial-vm", "video-vm", "voter-vm"));
}

TEST_F(AdminVmsTest, AnUnknownVmIsSaidWithThoseThereAre) {
  v1::Vm vm;
  const grpc::Status status = Call(*Admin(), &v1::Admin::Stub::GetVm, &vm,
                                   [](auto* request) { request->set_name("serial"); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(),
            "no vm 'serial'; there are serial-vm, video-vm, voter-vm, hidden-vm");
  v1::ReleaseVmResponse release;
  EXPECT_EQ(Release("serial", &release).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Delete("serial").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminVmsTest, ADefinedVmWorksAtOnce) {
  v1::DefineVmResponse response;
  const grpc::Status status = Define("new-vm", "vic", &response);
  // The device is video-vm's: two VMs can't have it exclusively, and that is said.
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("video-vm"));
  EXPECT_EQ(Status().vms(), 4u);

  ASSERT_TRUE(Define("new-vm", "nvdec", &response).ok());
  EXPECT_EQ(response.vm().name(), "new-vm");
  EXPECT_EQ(response.vm().socket(), broker_.socket("new-vm"));
  EXPECT_EQ(Status().vms(), 5u);
  v1::PowerOnResponse on;
  ASSERT_TRUE(
      Call(*PowerDomains("new-vm"), &v1::PowerDomains::Stub::PowerOn, &on, [](auto* request) {
        *request->mutable_power_domain() = Named("nvdec");
      }).ok());
  EXPECT_EQ(on.outcome().error(), 0) << on.outcome().reason();
}

TEST_F(AdminVmsTest, DefineSaysWhatIsWrong) {
  v1::DefineVmResponse response;
  EXPECT_EQ(Define("", "vic", &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const grpc::Status exists = Define("serial-vm", "", &response);
  EXPECT_EQ(exists.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_THAT(exists.error_message(), HasSubstr("delete it first"));
  const grpc::Status device = Define("new-vm", "nvdek", &response);
  EXPECT_EQ(device.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(device.error_message(), HasSubstr("nvdek"));
  // A name becomes a file.
  EXPECT_EQ(Define("../evil", "", &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Define("host", "", &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Status().vms(), 4u);
}

TEST_F(AdminVmsTest, ADeletedVmLeavesNothing) {
  const std::string socket = broker_.socket("serial-vm");
  Enable("serial-vm", Named("uarta"));
  ASSERT_TRUE(Enabled(kUarta));
  ASSERT_TRUE(Delete("serial-vm").ok());
  EXPECT_FALSE(Enabled(kUarta));
  EXPECT_FALSE(std::filesystem::exists(socket));
  EXPECT_EQ(Status().vms(), 3u);
  EXPECT_EQ(Delete("serial-vm").error_code(), grpc::StatusCode::NOT_FOUND);

  // The name and the device are free again.
  v1::DefineVmResponse response;
  const grpc::Status again = Define("serial-vm", "uarta", &response);
  ASSERT_TRUE(again.ok()) << again.error_message();
  EXPECT_EQ(Enable("serial-vm", Named("uarta")).error(), 0);
}

TEST_F(AdminVmsTest, AReleasedVmHoldsNothingAndGoesOn) {
  const uint32_t epoch = Get("serial-vm").epoch();
  Enable("serial-vm", Named("uarta"));
  v1::ReleaseVmResponse response;
  ASSERT_TRUE(Release("serial-vm", &response).ok());
  EXPECT_EQ(response.epoch(), epoch + 1);
  EXPECT_EQ(response.quarantined_size(), 0);
  EXPECT_FALSE(Enabled(kUarta));
  EXPECT_EQ(Get("serial-vm").clock_votes(), 0u);
  EXPECT_EQ(Get("serial-vm").epoch(), epoch + 1);
  EXPECT_EQ(Enable("serial-vm", Named("uarta")).error(), 0);
}

TEST_F(AdminVmsTest, ASessionSurvivesTheReleaseOfItsVm) {
  GuestClient guest(broker_.socket("serial-vm"));
  guest.Hello();
  Enable("serial-vm", Named("uarta"));
  v1::ReleaseVmResponse response;
  ASSERT_TRUE(Release("serial-vm", &response).ok());
  EXPECT_TRUE(Get("serial-vm").session().connected());
}

TEST_F(AdminVmsTest, WhatAReleaseCantUndoIsQuarantined) {
  Enable("serial-vm", Named("uarta"));
  AddFault("CLK DISABLE uarta error=EIO");
  v1::ReleaseVmResponse release;
  ASSERT_TRUE(Release("serial-vm", &release).ok());
  ASSERT_EQ(release.quarantined_size(), 1);
  EXPECT_EQ(release.quarantined(0).kind(), v1::RESOURCE_KIND_CLOCK);
  EXPECT_EQ(release.quarantined(0).id(), kUarta.value());
  EXPECT_EQ(Status().quarantined(), 1u);
  EXPECT_EQ(Enable("voter-vm", Named("uarta")).error_name(), "EBUSY");

  const auto uarta = [](auto* request) {
    *request->mutable_resource() = Named("uarta", v1::RESOURCE_KIND_CLOCK);
  };
  v1::ResourceState state;
  Call(*Admin(), &v1::Admin::Stub::GetResource, &state, uarta);
  EXPECT_EQ(state.quarantined_for(), "serial-vm");

  broker_.sim().ClearFaults();
  v1::ClearQuarantineResponse cleared;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::ClearQuarantine, &cleared, uarta).ok());
  EXPECT_EQ(Status().quarantined(), 0u);
  EXPECT_EQ(Enable("voter-vm", Named("uarta")).error(), 0);
  const grpc::Status again = Call(*Admin(), &v1::Admin::Stub::ClearQuarantine, &cleared, uarta);
  EXPECT_EQ(again.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(again.error_message(), "clock uarta is not quarantined");
}

TEST_F(AdminVmsTest, AReleaseThatHangsEndsWithTheServer) {
  Enable("serial-vm", Named("uarta"));
  AddFault("CLK DISABLE uarta hang count=1");
  const auto stub = Admin();
  grpc::ClientContext context;
  v1::ReleaseVmRequest request;
  request.set_name("serial-vm");
  v1::ReleaseVmResponse response;
  grpc::Status result;
  std::promise<void> done;
  stub->async()->ReleaseVm(&context, &request, &response, [&](const grpc::Status& status) {
    result = status;
    done.set_value();
  });
  broker_.sim().WaitUntilHanging(1);
  broker_.admin().Shutdown(absl::ZeroDuration());
  done.get_future().wait();
  EXPECT_FALSE(result.ok());
  // The release itself goes on.
  broker_.sim().ReleaseHangs();
  broker_.WaitFor("released", "serial-vm");
  EXPECT_FALSE(Enabled(kUarta));
}

}  // namespace
}  // namespace bpmp::testing
