// SPDX-License-Identifier: Apache-2.0
// Votes that last as long as the connection on which they were asked for.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/component/admin_fixture.h"
#include "tests/lib/child_guest.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ChannelPtr = std::shared_ptr<grpc::Channel>;

// The fixture has an Enable of its own.
mrq::Request EnableOf(ClockId clock) { return mrq::ClkRequest{mrq::ClkCmd::kEnable, clock, 0, {}}; }
mrq::Request PowerOn(DomainId domain) { return mrq::PgRequest{mrq::PgCmd::kSetState, domain, 1}; }

class LeaseTest : public AdminFixture {
 protected:
  LeaseTest() : AdminFixture("insecure_tcp { vm: 'serial-vm' listen: '127.0.0.1:0' }") {}

  static grpc::Status Ask(const ChannelPtr& channel, const mrq::Request& what, v1::Lease lease) {
    grpc::ClientContext context;
    v1::TransferRequest request;
    *request.mutable_request() = ToMessage(what);
    request.set_lease(lease);
    v1::TransferResponse response;
    const grpc::Status status = v1::Guest::NewStub(channel)->Transfer(&context, request, &response);
    EXPECT_EQ(response.response().error(), 0);
    return status;
  }
  // A connection on which a vote was asked for.
  ChannelPtr Leased(const std::string& vm, const mrq::Request& what) {
    ChannelPtr channel = ConnectTo(broker_.socket(vm));
    const grpc::Status status = Ask(channel, what, v1::LEASE_CONNECTION);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return channel;
  }
  // Until the vote, the last of `vm` for it, is dropped.
  void WaitUntilDropped(const std::string& vm, core::Resource resource) {
    broker_.WaitFor([&, id = broker_.vm(vm)](const service::EventLog::Record& record) {
      return record.kind == "vote" && record.event.vm == id && record.event.value == 0 &&
             record.event.resource == resource;
    });
  }
  // Until what ended before this call has been seen: another lease ends after it, and the broker
  // looks at ends in their order.
  void LetEndsBeSeen() {
    Leased("hidden-vm", EnableOf(kI2c1)).reset();
    WaitUntilDropped("hidden-vm", core::Resource::Of(kI2c1));
  }
};

TEST_F(LeaseTest, AVoteEndsWithItsConnection) {
  ChannelPtr channel = Leased("serial-vm", EnableOf(kUarta));
  EXPECT_TRUE(broker_.Holds("serial-vm", kUarta));
  LetEndsBeSeen();
  EXPECT_TRUE(broker_.Holds("serial-vm", kUarta));
  channel.reset();
  WaitUntilDropped("serial-vm", core::Resource::Of(kUarta));
  EXPECT_FALSE(broker_.Holds("serial-vm", kUarta));
}

TEST_F(LeaseTest, WithoutALeaseItStays) {
  ASSERT_TRUE(
      Ask(ConnectTo(broker_.socket("serial-vm")), EnableOf(kUarta), v1::LEASE_UNSPECIFIED).ok());
  LetEndsBeSeen();
  EXPECT_TRUE(broker_.Holds("serial-vm", kUarta));
}

TEST_F(LeaseTest, AKilledProcessDropsItsVotes) {
  ChildGuest child;
  EXPECT_EQ(child.Ask(absl::StrCat("lease ", broker_.socket("serial-vm"), " 155")), "answer 0");
  EXPECT_TRUE(Enabled(kUarta));
  child.Kill();
  WaitUntilDropped("serial-vm", core::Resource::Of(kUarta));
  EXPECT_FALSE(broker_.Holds("serial-vm", kUarta));
}

TEST_F(LeaseTest, TheLastOfTwoConnectionsDropsIt) {
  ChannelPtr first = Leased("serial-vm", EnableOf(kUarta));
  ChannelPtr second = Leased("serial-vm", EnableOf(kUarta));
  ChildGuest other;
  EXPECT_EQ(other.Ask(absl::StrCat("lease ", broker_.socket("serial-vm"), " 155")), "answer 0");
  first.reset();
  other.Kill();
  LetEndsBeSeen();
  EXPECT_TRUE(broker_.Holds("serial-vm", kUarta));
  second.reset();
  WaitUntilDropped("serial-vm", core::Resource::Of(kUarta));
}

TEST_F(LeaseTest, WhoAsksLaterWithoutALeaseKeepsIt) {
  ChannelPtr channel = Leased("serial-vm", EnableOf(kUarta));
  GuestClient session(broker_.socket("serial-vm"));
  session.Hello();
  ASSERT_EQ(session.Transfer(EnableOf(kUarta)).error, 0);
  channel.reset();
  LetEndsBeSeen();
  EXPECT_TRUE(broker_.Holds("serial-vm", kUarta));
}

TEST_F(LeaseTest, WhoAskedBeforeWithoutALeaseKeepsIt) {
  Enable("serial-vm", Named("uarta"));
  Leased("serial-vm", EnableOf(kUarta)).reset();
  LetEndsBeSeen();
  EXPECT_TRUE(broker_.Holds("serial-vm", kUarta));
}

TEST_F(LeaseTest, ClocksGoFromLeafToRoot) {
  ChannelPtr channel = Leased("serial-vm", EnableOf(kPllpOut0));
  ASSERT_TRUE(Ask(channel, EnableOf(kUarta), v1::LEASE_CONNECTION).ok());
  const uint64_t since = broker_.events().last() + 1;
  channel.reset();
  const auto first = broker_.WaitFor("vote", "serial-vm", since);
  EXPECT_EQ(first.event.resource, core::Resource::Of(kUarta));
  const auto second = broker_.WaitFor("vote", "serial-vm", first.number + 1);
  EXPECT_EQ(second.event.resource, core::Resource::Of(kPllpOut0));
}

TEST_F(LeaseTest, PowerGoesAfterTheClocks) {
  ChannelPtr channel = Leased("video-vm", PowerOn(kVicDomain));
  ASSERT_TRUE(Ask(channel, EnableOf(kVic), v1::LEASE_CONNECTION).ok());
  const uint64_t since = broker_.events().last() + 1;
  channel.reset();
  const auto first = broker_.WaitFor("vote", "video-vm", since);
  EXPECT_EQ(first.event.resource, core::Resource::Of(kVic));
  const auto second = broker_.WaitFor("vote", "video-vm", first.number + 1);
  EXPECT_EQ(second.event.resource, core::Resource::Of(kVicDomain));
}

TEST_F(LeaseTest, TypedServicesHaveIt) {
  ChannelPtr channel = ConnectTo(broker_.socket("video-vm"));
  v1::PowerOnResponse power;
  ASSERT_TRUE(Call(*v1::PowerDomains::NewStub(channel), &v1::PowerDomains::Stub::PowerOn, &power,
                   [](auto* request) {
                     *request->mutable_power_domain() = Named("vic");
                     request->set_lease(v1::LEASE_CONNECTION);
                   })
                  .ok());
  v1::EnableClockResponse clock;
  ASSERT_TRUE(Call(*v1::Clocks::NewStub(channel), &v1::Clocks::Stub::EnableClock, &clock,
                   [](auto* request) {
                     *request->mutable_clock() = Named("vic");
                     request->set_lease(v1::LEASE_CONNECTION);
                   })
                  .ok());
  EXPECT_TRUE(broker_.Holds("video-vm", kVic));
  channel.reset();
  WaitUntilDropped("video-vm", core::Resource::Of(kVicDomain));
  EXPECT_FALSE(broker_.Holds("video-vm", kVic));
}

TEST_F(LeaseTest, AnEndWhileTheClockIsBeingEnabledLeavesNothing) {
  AddFault("CLK ENABLE 155 hang");
  ChildGuest child;
  ChildGuest keeper;  // lives on, so that the VM's socket has another process
  std::thread asks([&] { child.Ask(absl::StrCat("lease ", broker_.socket("serial-vm"), " 155")); });
  broker_.sim().WaitUntilHanging(1);
  kill(child.pid(), SIGKILL);
  asks.join();
  child.Kill();
  LetEndsBeSeen();
  broker_.sim().ReleaseHangs();
  // What comes after it for this clock waits for it.
  ASSERT_EQ(keeper.Ask("hello " + broker_.socket("serial-vm")).substr(0, 7), "welcome");
  while (Enabled(kUarta) || broker_.Holds("serial-vm", kUarta)) std::this_thread::yield();
}

TEST_F(LeaseTest, ARefusedDropIsTheBrokersAffair) {
  AddFault("CLK DISABLE 155 error=EIO count=1");
  Leased("serial-vm", EnableOf(kUarta)).reset();
  WaitUntilDropped("serial-vm", core::Resource::Of(kUarta));
  EXPECT_FALSE(broker_.Holds("serial-vm", kUarta));
  while (Enabled(kUarta)) std::this_thread::yield();  // tried again
}

TEST_F(LeaseTest, AReleaseIsTheEndOfItToo) {
  ChannelPtr channel = Leased("serial-vm", EnableOf(kUarta));
  std::promise<void> released;
  broker_.engine().Release(broker_.vm("serial-vm"), [&] { released.set_value(); });
  released.get_future().get();
  Enable("serial-vm", Named("uarta"));
  channel.reset();
  LetEndsBeSeen();
  EXPECT_TRUE(broker_.Holds("serial-vm", kUarta)) << "another vote, of another epoch";
}

TEST_F(LeaseTest, AnAdministratorsConnectionHasIt) {
  ChannelPtr channel = ConnectTo(broker_.admin_socket());
  v1::TransferAsResponse response;
  ASSERT_TRUE(Call(*v1::Admin::NewStub(channel), &v1::Admin::Stub::TransferAs, &response,
                   [](auto* request) {
                     request->set_vm("serial-vm");
                     *request->mutable_request() = ToMessage(EnableOf(kUarta));
                     request->set_lease(v1::LEASE_CONNECTION);
                   })
                  .ok());
  EXPECT_TRUE(broker_.Holds("serial-vm", kUarta));
  channel.reset();
  WaitUntilDropped("serial-vm", core::Resource::Of(kUarta));
}

TEST_F(LeaseTest, TcpHasNone) {
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", broker_.insecure()->port()),
                                           grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  v1::TransferRequest request;
  *request.mutable_request() = ToMessage(EnableOf(kUarta));
  request.set_lease(v1::LEASE_CONNECTION);
  v1::TransferResponse response;
  const grpc::Status status = v1::Guest::NewStub(channel)->Transfer(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("needs a Unix socket"));
  EXPECT_FALSE(broker_.Holds("serial-vm", kUarta));
}

TEST_F(LeaseTest, AStoppingBrokerDropsNothing) {
  ChannelPtr channel = Leased("serial-vm", EnableOf(kUarta));
  broker_.registry().Shutdown(absl::Seconds(10));
  channel.reset();
  EXPECT_TRUE(Enabled(kUarta));
}

}  // namespace
}  // namespace bpmp::testing
