// SPDX-License-Identifier: Apache-2.0
// The admin API for administrators on other machines: what a certificate opens, and what not.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "bpmp/v1/admin.grpc.pb.h"
#include "tests/lib/authority.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/health_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

class AdminTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!authority_.made()) GTEST_SKIP() << "no openssl tool to make certificates with";
    ASSERT_TRUE(authority_.Sign("broker", "localhost"));
    ASSERT_TRUE(authority_.Sign("ops", "ops.example.org"));
    ASSERT_TRUE(authority_.Sign("a", "a"));
    broker_ = std::make_unique<TestBroker>(absl::StrCat(
        R"(vms { name: "a" devices { device: "uarta" } }
           tls { listen: "localhost:0" admin_listen: "localhost:0" admin_name: "ops.example.org" )",
        authority_.TlsConfig("broker"), " }"));
  }

  std::shared_ptr<grpc::Channel> ToAdmin(const std::string& certificate) {
    return authority_.Connect(broker_->admin().tls_port(), certificate);
  }
  static grpc::Status ListVms(const std::shared_ptr<grpc::Channel>& channel,
                              v1::ListVmsResponse* list) {
    grpc::ClientContext context;
    return v1::Admin::NewStub(channel)->ListVms(&context, {}, list);
  }

  Authority authority_;
  std::unique_ptr<TestBroker> broker_;
  v1::ListVmsResponse list_;
};

TEST_F(AdminTlsTest, AnAdministratorsCertificateOpensIt) {
  const grpc::Status status = ListVms(ToAdmin("ops"), &list_);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(list_.vms_size(), 1);
  EXPECT_EQ(list_.vms(0).name(), "a");
}

TEST_F(AdminTlsTest, AVmsCertificateDoesnt) {
  const grpc::Status status = ListVms(ToAdmin("a"), &list_);
  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("isn't an administrator's"));
  EXPECT_EQ(HealthOf(ToAdmin("a"), ""), std::nullopt) << "whatever is called";
}

TEST_F(AdminTlsTest, NorDoesNone) {
  EXPECT_EQ(ListVms(ToAdmin(""), &list_).error_code(), StatusCode::UNAVAILABLE);
  const auto plain = grpc::CreateChannel(absl::StrCat("localhost:", broker_->admin().tls_port()),
                                         grpc::InsecureChannelCredentials());
  EXPECT_EQ(ListVms(plain, &list_).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(AdminTlsTest, AnAdministratorIsNoVm) {
  GuestClient guest(authority_.Connect(broker_->tls()->port(), "ops"));
  v1::SessionRequest hello;
  hello.mutable_hello();
  guest.Send(hello);
  EXPECT_EQ(guest.Finish().error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(AdminTlsTest, TheGuestsPortHasNoAdminApi) {
  EXPECT_EQ(ListVms(authority_.Connect(broker_->tls()->port(), "ops"), &list_).error_code(),
            StatusCode::UNIMPLEMENTED);
}

TEST_F(AdminTlsTest, HealthIsTheSameAsOnTheSocket) {
  const auto tls = ToAdmin("ops");
  EXPECT_EQ(HealthOf(tls, ""), kServing);
  EXPECT_EQ(HealthOf(tls, "bpmp.v1.Admin"), kServing);
  EXPECT_EQ(HealthOf(tls, "backend"), kNotServing);
  broker_->admin().SetBackendHealthy(true);
  EXPECT_EQ(HealthOf(tls, "backend"), kServing);
  EXPECT_EQ(HealthOf(ConnectTo(broker_->admin_socket()), "backend"), kServing);
}

}  // namespace
}  // namespace bpmp::testing
