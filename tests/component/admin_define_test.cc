// SPDX-License-Identifier: Apache-2.0
// Admin.DefineVm: an entry is held to what the configuration file's are held to.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/component/admin_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class AdminDefineTest : public AdminFixture {
 protected:
  AdminDefineTest() : AdminFixture("tls { admin_name: 'ops' }") {}

  // `vm` in text format.
  grpc::Status Define(const std::string& vm, v1::DefineVmResponse* response) {
    return Call(*Admin(), &v1::Admin::Stub::DefineVm, response, [&](auto* request) {
      ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(vm, request->mutable_vm()));
    });
  }
  // What is said to an entry that can't be used, of which then nothing is left.
  std::string Refusal(const std::string& more) {
    v1::DefineVmResponse response;
    const grpc::Status status = Define("name: 'new-vm' " + more, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << more;
    EXPECT_FALSE(broker_.registry().Find("new-vm").has_value()) << more;
    return status.error_message();
  }
};

TEST_F(AdminDefineTest, NoTwoVmsHaveOneCertificate) {
  EXPECT_EQ(Refusal("certificate_name: 'serial-vm'"),
            "vm new-vm: certificates for 'serial-vm' are vm serial-vm's already");
  EXPECT_EQ(Refusal("certificate_name: 'ops'"),
            "vm new-vm: certificates for 'ops' are the admin API's already");
  // Nor by a name that another VM's certificate bears.
  v1::DefineVmResponse response;
  ASSERT_TRUE(Define("name: 'other' certificate_name: 'new-vm'", &response).ok());
  EXPECT_EQ(Refusal(""), "vm new-vm: certificates for 'new-vm' are vm other's already");
}

TEST_F(AdminDefineTest, NoTwoVmsHaveOneSocket) {
  EXPECT_EQ(Refusal(absl::StrCat("socket: '", broker_.socket("serial-vm"), "'")),
            absl::StrCat("vm new-vm: socket: vm serial-vm has ", broker_.socket("serial-vm"),
                         " already"));
  EXPECT_THAT(Refusal(absl::StrCat("socket: '", broker_.admin_socket(), "'")),
              HasSubstr("the admin API has"));
}

TEST_F(AdminDefineTest, WhatTheFileMayNotSayIsRefused) {
  EXPECT_EQ(Refusal("socket: 'relative.sock'"), "vm new-vm: socket: must be an absolute path");
  EXPECT_THAT(Refusal("peer { unit: 'a/b' }"), HasSubstr("is no service or scope"));
  EXPECT_EQ(Refusal("peer { grace_ms: 4000000000 }"),
            "vm new-vm: grace_ms: 4000000000 is over the limit of 600000");
  EXPECT_THAT(Refusal("mode: '0888'"), HasSubstr("vm new-vm: mode: '0888' is no file mode"));
  EXPECT_EQ(Refusal("owner: 'nobody-at-all'"),
            "vm new-vm: owner: this machine has no user 'nobody-at-all'");
}

TEST_F(AdminDefineTest, WhatAnOperatorShouldKnowIsNoted) {
  v1::DefineVmResponse response;
  ASSERT_TRUE(Define("name: 'open-vm' mode: '0666'", &response).ok());
  EXPECT_THAT(response.notes(),
              Contains(AllOf(HasSubstr("vm open-vm: mode 0666"), HasSubstr("lets every user"))));
  // Once is enough.
  ASSERT_TRUE(Define("name: 'next-vm' peer { unit: 'next.service' }", &response).ok());
  EXPECT_THAT(response.notes(), Not(Contains(HasSubstr("open-vm"))));
}

TEST_F(AdminDefineTest, TheEntryHasItsDefaults) {
  v1::DefineVmResponse response;
  ASSERT_TRUE(Define("name: 'new-vm'", &response).ok());
  EXPECT_EQ(response.vm().config().certificate_name(), "new-vm");
  EXPECT_EQ(response.vm().config().mode(), "0600");
  EXPECT_EQ(response.vm().config().peer().grace_ms(), 5'000u);
}

}  // namespace
}  // namespace bpmp::testing
