// SPDX-License-Identifier: Apache-2.0
// VMs on other machines: identity by certificate, grace time instead of a process.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/authority.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

class GuestTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!authority_.made()) GTEST_SKIP() << "no openssl tool to make certificates with";
    ASSERT_TRUE(authority_.Sign("broker", "localhost"));
    ASSERT_TRUE(authority_.Sign("a", "a"));
    ASSERT_TRUE(authority_.Sign("b", "b.example.org"));
    ASSERT_TRUE(authority_.Sign("stranger", "c"));
    broker_ = std::make_unique<TestBroker>(absl::StrCat(
        R"(vms { name: "a" devices { device: "uarta" } peer { grace_ms: 300 } }
           vms { name: "b" certificate_name: "b.example.org" devices { device: "vic" } }
           tls { listen: "localhost:0" )",
        authority_.TlsConfig("broker"), " }"));
  }

  // As the one that `certificate` names; empty: without one.
  std::shared_ptr<grpc::Channel> Connect(const std::string& certificate) {
    return authority_.Connect(broker_->tls()->port(), certificate);
  }
  grpc::Status Refusal(std::shared_ptr<grpc::Channel> channel) {
    GuestClient guest(std::move(channel));
    v1::SessionRequest hello;
    hello.mutable_hello();
    guest.Send(hello);
    return guest.Finish();
  }

  Authority authority_;
  std::unique_ptr<TestBroker> broker_;
};

TEST_F(GuestTlsTest, TheCertificateSaysWhichVmSpeaks) {
  GuestClient a(Connect("a"));
  GuestClient b(Connect("b"));
  EXPECT_EQ(a.Hello().vm(), "a");
  EXPECT_EQ(b.Hello().vm(), "b");
  EXPECT_EQ(a.Transfer(Enable(kUarta)).error, 0);
  EXPECT_EQ(b.Transfer(Enable(kUarta)).error, Failed(mrq::Error::kAccess));
  EXPECT_TRUE(broker_->Holds("a", kUarta));
  EXPECT_EQ(broker_->sessions().Find(broker_->vm("a"))->pid, 0);
}

TEST_F(GuestTlsTest, AStrangerIsRefused) {
  const grpc::Status status = Refusal(Connect("stranger"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("client's: c"));
}

TEST_F(GuestTlsTest, NobodyIsHeardWithoutACertificate) {
  EXPECT_EQ(Refusal(Connect("")).error_code(), grpc::StatusCode::UNAVAILABLE);
  GuestClient plain(grpc::CreateChannel(absl::StrCat("localhost:", broker_->tls()->port()),
                                        grpc::InsecureChannelCredentials()));
  EXPECT_EQ(plain.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GuestTlsTest, ALostSessionIsReleasedAfterItsGraceTime) {
  {
    GuestClient guest(Connect("a"));
    guest.Hello();
    EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  }
  const auto lost = broker_->WaitFor(service::event_kind::kSessionLost, "a");
  EXPECT_THAT(lost.text, HasSubstr("300ms"));
  broker_->WaitFor("released", "a", lost.number);
  EXPECT_FALSE(broker_->Holds("a", kUarta));
}

TEST_F(GuestTlsTest, ASessionThatComesBackInTimeIsNotReleased) {
  v1::Welcome before;
  {
    GuestClient guest(Connect("b"));
    before = guest.Hello();
    EXPECT_EQ(guest.Transfer(Pg(mrq::PgCmd::kSetState, kVicDomain, 1)).error, 0);
  }
  broker_->WaitFor(service::event_kind::kSessionLost, "b");
  GuestClient again(Connect("b"));
  const v1::Welcome welcome = again.Hello(before.session_id());
  EXPECT_TRUE(welcome.resumed());
  EXPECT_EQ(welcome.session_id(), before.session_id());
  EXPECT_EQ(welcome.epoch(), before.epoch());
  EXPECT_EQ(*mrq::ReadU32(again.Transfer(Pg(mrq::PgCmd::kGetState, kVicDomain))), 1u);
}

TEST_F(GuestTlsTest, ANewSessionWithinTheGraceTimeStartsClean) {
  {
    GuestClient guest(Connect("b"));
    guest.Hello();
    EXPECT_EQ(guest.Transfer(Pg(mrq::PgCmd::kSetState, kVicDomain, 1)).error, 0);
  }
  broker_->WaitFor(service::event_kind::kSessionLost, "b");
  GuestClient other(Connect("b"));
  other.Hello();
  EXPECT_EQ(*mrq::ReadU32(other.Transfer(Pg(mrq::PgCmd::kGetState, kVicDomain))), 0u);
}

TEST_F(GuestTlsTest, AnOpenSessionGoesOnlyToWhoKnowsIt) {
  GuestClient guest(Connect("b"));
  const uint64_t id = guest.Hello().session_id();
  EXPECT_EQ(Refusal(Connect("b")).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  GuestClient again(Connect("b"));
  EXPECT_TRUE(again.Hello(id).resumed());
  EXPECT_EQ(guest.Finish().error_code(), grpc::StatusCode::ABORTED);
}

// --- Plain TCP, for development ----------------------------------------------------------------

TEST(InsecureTcpTest, WhoeverConnectsSpeaksForTheVm) {
  TestBroker broker(R"(vms { name: "a" devices { device: "uarta" } } vms { name: "b" }
                       insecure_tcp { vm: "a" listen: "127.0.0.1:0" })");
  const std::string address = absl::StrCat("127.0.0.1:", broker.insecure()->port());
  GuestClient guest(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  EXPECT_EQ(guest.Hello().vm(), "a");
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  EXPECT_TRUE(broker.Holds("a", kUarta));
  EXPECT_THAT(broker.WaitFor(service::event_kind::kSessionOpened, "a").text,
              HasSubstr("a over plain TCP"));
}

TEST(InsecureTcpTest, IsOfTheConfiguredVmAndOfNoOtherWithItsName) {
  TestBroker broker(R"(vms { name: "a" devices { device: "uarta" } }
                       insecure_tcp { vm: "a" listen: "127.0.0.1:0" })");
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", broker.insecure()->port()),
                                           grpc::InsecureChannelCredentials());
  GuestClient guest(channel);
  guest.Hello();
  std::promise<absl::Status> deleted;
  broker.registry().Delete("a", [&](absl::Status status) { deleted.set_value(status); });
  const absl::Status status = deleted.get_future().get();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(guest.Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  for (const char* when : {"deleted", "defined again"}) {
    GuestClient late(channel);
    v1::SessionRequest hello;
    hello.mutable_hello();
    late.Send(hello);
    const grpc::Status session = late.Finish();
    EXPECT_EQ(session.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << when;
    EXPECT_THAT(session.error_message(), HasSubstr("VM a, which this address was configured for"));
    grpc::ClientContext context;
    v1::TransferRequest request;
    *request.mutable_request() = ToMessage(Enable(kUarta));
    v1::TransferResponse response;
    EXPECT_EQ(late.stub().Transfer(&context, request, &response).error_code(),
              grpc::StatusCode::FAILED_PRECONDITION)
        << when;
    v1::VmConfig vm;
    vm.set_name("a");
    vm.add_devices()->set_device("uarta");
    if (broker.registry().Find("a")) break;
    const absl::Status defined = broker.registry().Define(vm, nullptr);
    ASSERT_TRUE(defined.ok()) << defined;
  }
  EXPECT_FALSE(broker.Holds("a", kUarta));
  GuestClient own(broker.socket("a"));
  EXPECT_EQ(own.Transfer(Enable(kUarta)).error, 0) << "its own socket is open";
}

}  // namespace
}  // namespace bpmp::testing
