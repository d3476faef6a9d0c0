// SPDX-License-Identifier: Apache-2.0
// The admin socket itself: who may open it, health, reflection, oversized messages.
#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/component/admin_fixture.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/health_client.h"

namespace bpmp::testing {
namespace {

using google::protobuf::Empty;
using google::protobuf::UnknownFieldSet;
using ::testing::HasSubstr;

std::optional<int> HealthOf(const std::string& socket, const std::string& service) {
  return testing::HealthOf(ConnectTo(socket), service);
}

// The reflection service's messages are not installed with gRPC; they are read field by field.
// One question to the reflection service: field 7 of its request lists the services, field 6 of the
// answer has them.
class ServiceLister : public grpc::ClientBidiReactor<Empty, Empty> {
 public:
  explicit ServiceLister(const std::string& socket) : stub_(ConnectTo(socket)) {
    stub_.PrepareBidiStreamingCall(&context_,
                                   "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                   grpc::StubOptions(), this);
    request_.GetReflection()->MutableUnknownFields(&request_)->AddLengthDelimited(7, "*");
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&response_);
    StartCall();
  }
  std::set<std::string> Names() {
    EXPECT_TRUE(Status().ok()) << status_.error_message();
    return names_;
  }
  grpc::Status Status() {
    done_.get_future().wait();
    return status_;
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    ForEach(response_.GetReflection()->GetUnknownFields(response_), 6, [this](const auto& list) {
      ForEach(list, 1, [this](const auto& service) {
        for (int i = 0; i < service.field_count(); ++i) {
          if (service.field(i).number() == 1) names_.insert(service.field(i).length_delimited());
        }
      });
    });
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_.set_value();
  }

 private:
  template <typename Use>
  static void ForEach(const UnknownFieldSet& fields, int number, Use use) {
    for (int i = 0; i < fields.field_count(); ++i) {
      if (fields.field(i).number() != number) continue;
      UnknownFieldSet inner;
      inner.ParseFromString(fields.field(i).length_delimited());
      use(inner);
    }
  }

  grpc::TemplatedGenericStub<Empty, Empty> stub_;
  grpc::ClientContext context_;
  Empty request_;
  Empty response_;
  std::set<std::string> names_;
  grpc::Status status_;
  std::promise<void> done_;
};

class HealthTest : public AdminFixture {
 protected:
  HealthTest() : AdminFixture() {}
};

TEST_F(HealthTest, EachPartHasItsOwn) {
  const std::string& socket = broker_.admin_socket();
  EXPECT_EQ(HealthOf(socket, ""), kServing);
  EXPECT_EQ(HealthOf(socket, "bpmp.v1.Admin"), kServing);
  EXPECT_EQ(HealthOf(socket, "bpmp.v1.Guest"), kNotServing);
  EXPECT_EQ(HealthOf(socket, "backend"), kNotServing);
  EXPECT_EQ(HealthOf(socket, "bpmp.v1.Nothing"), std::nullopt);

  broker_.admin().SetGuestServing(true);
  broker_.admin().SetBackendHealthy(true);
  EXPECT_EQ(HealthOf(socket, "bpmp.v1.Guest"), kServing);
  EXPECT_EQ(HealthOf(socket, "backend"), kServing);

  // The backend's health is its own: nothing else is unhealthy with it.
  broker_.admin().SetBackendHealthy(false);
  EXPECT_EQ(HealthOf(socket, "backend"), kNotServing);
  EXPECT_EQ(HealthOf(socket, ""), kServing);
  EXPECT_EQ(HealthOf(socket, "bpmp.v1.Admin"), kServing);
}

TEST_F(HealthTest, TheStatusShowsTheBackendsHealth) {
  v1::ServerStatus status;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::GetServerStatus, &status, [](auto*) {}).ok());
  EXPECT_FALSE(status.backend_healthy());
  broker_.admin().SetBackendHealthy(true);
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::GetServerStatus, &status, [](auto*) {}).ok());
  EXPECT_TRUE(status.backend_healthy());
}

TEST_F(HealthTest, ReflectionListsTheAdminSocketsServices) {
  EXPECT_EQ(ServiceLister(broker_.admin_socket()).Names(),
            (std::set<std::string>{"bpmp.v1.Admin", "grpc.health.v1.Health",
                                   "grpc.reflection.v1alpha.ServerReflection"}));
}

TEST_F(HealthTest, AVmsSocketTellsTheHealthOfEachOfItsServices) {
  const std::string socket = broker_.socket("serial-vm");
  for (const char* service :
       {"", "bpmp.v1.Guest", "bpmp.v1.Clocks", "bpmp.v1.Resets", "bpmp.v1.PowerDomains"}) {
    EXPECT_EQ(HealthOf(socket, service), kServing) << service;
  }
  EXPECT_EQ(HealthOf(socket, "bpmp.v1.Admin"), std::nullopt);
}

TEST_F(HealthTest, AVmsSocketHasNoReflection) {
  ServiceLister lister(broker_.socket("serial-vm"));
  EXPECT_EQ(lister.Status().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(HealthTest, TheSocketIsItsOwnersAlone) {
  struct stat file {};
  ASSERT_EQ(stat(broker_.admin_socket().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(file.st_uid, geteuid());
}

TEST_F(HealthTest, AMessageOfFourMebibytesIsRefused) {
  v1::DefineVmResponse response;
  const grpc::Status status =
      Call(*Admin(), &v1::Admin::Stub::DefineVm, &response,
           [](auto* request) { request->mutable_vm()->set_name(std::string(4 << 20, 'x')); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  // The broker lives on.
  v1::ListVmsResponse list;
  EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::ListVms, &list, [](auto*) {}).ok());
}

TEST_F(HealthTest, TheSocketFileGoesWithTheServer) {
  const std::string socket = broker_.admin_socket();
  EXPECT_TRUE(std::filesystem::exists(socket));
  broker_.admin().Shutdown(absl::ZeroDuration());
  EXPECT_FALSE(std::filesystem::exists(socket));
}

TEST_F(HealthTest, ASocketThatIsInUseIsLeftAlone) {
  v1::AdminConfig config;
  config.set_socket(broker_.admin_socket());
  const auto second = service::AdminServer::Start(
      config, {&broker_.engine(), &broker_.registry(), &broker_.sessions(), &broker_.events()},
      service::ServerInfo(), &broker_.acceptor());
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
  v1::ListVmsResponse list;
  EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::ListVms, &list, [](auto*) {}).ok());
}

// A group of this process, so that no privilege is needed.
class AdminGroupTest : public AdminFixture {
 protected:
  AdminGroupTest() : AdminFixture(absl::StrCat("admin { group: \"", getegid(), "\" }")) {}
};

TEST_F(AdminGroupTest, AGroupMayBeLetIn) {
  struct stat file {};
  ASSERT_EQ(stat(broker_.admin_socket().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0660u);
  EXPECT_EQ(file.st_gid, getegid());
}

TEST_F(AdminGroupTest, AnUnknownGroupIsAnError) {
  v1::AdminConfig config;
  config.set_socket(broker_.directory() + "/second.sock");
  config.set_group("no-such-group");
  const auto second = service::AdminServer::Start(
      config, {&broker_.engine(), &broker_.registry(), &broker_.sessions(), &broker_.events()},
      service::ServerInfo(), &broker_.acceptor());
  ASSERT_TRUE(absl::IsNotFound(second.status())) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("no-such-group"));
}

}  // namespace
}  // namespace bpmp::testing
