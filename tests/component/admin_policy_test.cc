// SPDX-License-Identifier: Apache-2.0
// Admin.SuggestPolicy, and VMs that are audit-only, through the admin API.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/component/admin_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class AdminPolicyTest : public AdminFixture {
 protected:
  void Define(const std::string& vm, v1::DefineVmResponse* response) {
    const grpc::Status status =
        Call(*Admin(), &v1::Admin::Stub::DefineVm, response, [&](auto* request) {
          ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(vm, request->mutable_vm()));
        });
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  v1::SuggestPolicyResponse Suggest(const std::string& vm) {
    v1::SuggestPolicyResponse response;
    const grpc::Status status = Call(*Admin(), &v1::Admin::Stub::SuggestPolicy, &response,
                                     [&](auto* request) { request->set_vm(vm); });
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(AdminPolicyTest, WhatWasRefusedIsSuggestedToo) {
  EXPECT_EQ(Enable("voter-vm", Named("vic", v1::RESOURCE_KIND_CLOCK)).error(), -13);
  EXPECT_EQ(Enable("voter-vm", Named("uarta", v1::RESOURCE_KIND_CLOCK)).error(), 0);
  const v1::VmConfig vm = Suggest("voter-vm").vm();
  EXPECT_EQ(vm.name(), "voter-vm");
  EXPECT_EQ(vm.mode(), "0600") << "what is no grant stays as it is";
  ASSERT_EQ(vm.clocks_size(), 2);
  EXPECT_EQ(vm.clocks(0).name(), "uarta");
  EXPECT_EQ(vm.clocks(1).name(), "vic");
  EXPECT_EQ(vm.clocks(1).access(), v1::ACCESS_VOTE);
}

TEST_F(AdminPolicyTest, AuditOnlyAllowsCountsAndSuggests) {
  v1::DefineVmResponse response;
  Define("name: 'new-vm' audit_only: true", &response);
  EXPECT_THAT(response.notes(), Contains(HasSubstr("vm new-vm: AUDIT-ONLY")));
  EXPECT_TRUE(response.vm().audit_only());
  EXPECT_EQ(Enable("new-vm", Named("i2c1")).error(), 0);
  EXPECT_TRUE(Enabled(kI2c1));
  const auto told = broker_.WaitFor("would-deny", "new-vm");
  EXPECT_EQ(told.event.resource, core::Resource::Of(kI2c1));
  const v1::VmConfig vm = Suggest("new-vm").vm();
  EXPECT_FALSE(vm.audit_only());
  ASSERT_EQ(vm.clocks_size(), 1);
  EXPECT_EQ(vm.clocks(0).name(), "i2c1");

  v1::ServerStatus status;
  EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::GetServerStatus, &status, [](auto*) {}).ok());
  EXPECT_THAT(status.audit_only(), ::testing::ElementsAre("new-vm"));
  EXPECT_EQ(status.policy_generation(), 1u);
}

TEST_F(AdminPolicyTest, AuditOnlyDoesntOpenAnothersDevice) {
  v1::DefineVmResponse defined;
  Define("name: 'new-vm' audit_only: true", &defined);
  v1::DeassertResetResponse response;
  const grpc::Status status =
      Call(*Resets("new-vm"), &v1::Resets::Stub::DeassertReset, &response, [](auto* request) {
        *request->mutable_reset() = WithId(kUartaReset.value(), v1::RESOURCE_KIND_RESET);
      });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.outcome().error(), -13);
}

TEST_F(AdminPolicyTest, ABrokerWithoutAFileSaysSo) {
  v1::ReloadPolicyResponse response;
  const grpc::Status status =
      Call(*Admin(), &v1::Admin::Stub::ReloadPolicy, &response, [](auto*) {});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(AdminPolicyTest, NobodyIsSuggestedNothing) {
  v1::SuggestPolicyResponse response;
  const grpc::Status status = Call(*Admin(), &v1::Admin::Stub::SuggestPolicy, &response,
                                   [](auto* request) { request->set_vm("nobody"); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace bpmp::testing
