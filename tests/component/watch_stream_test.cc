// SPDX-License-Identifier: Apache-2.0
// Admin.Watch: what watchers see, and what the slow ones cost.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/component/admin_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

struct Wanted {
  uint64_t since = 0;
  std::vector<std::string> vms;
  std::vector<std::string> kinds;
};

// One watch. When it is made, the broker has begun it.
class Watcher {
 public:
  Watcher(std::unique_ptr<v1::Admin::Stub> stub, const Wanted& wanted) : stub_(std::move(stub)) {
    v1::WatchRequest request;
    request.set_since(wanted.since);
    for (const std::string& vm : wanted.vms) request.add_vms(vm);
    for (const std::string& kind : wanted.kinds) request.add_kinds(kind);
    reader_ = stub_->Watch(&context_, request);
    reader_->WaitForInitialMetadata();
  }
  ~Watcher() {
    context_.TryCancel();
    Finish();
  }

  // The next event; one without number when the watch is over.
  v1::Event Next() {
    v1::Event event;
    if (!reader_->Read(&event)) event.Clear();
    return event;
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish() {
    if (reader_ == nullptr) return status_;
    v1::Event event;
    while (reader_->Read(&event)) continue;
    status_ = reader_->Finish();
    reader_.reset();
    return status_;
  }

 private:
  const std::unique_ptr<v1::Admin::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::Event>> reader_;
  grpc::Status status_;
};

class WatchTest : public AdminFixture {
 protected:
  std::unique_ptr<Watcher> Watch(const Wanted& wanted) {
    return std::make_unique<Watcher>(Admin(), wanted);
  }
};

TEST_F(WatchTest, TellsWhatHappensFromNowOn) {
  const auto watcher = Watch({});
  const uint64_t before = broker_.events().last();
  Enable("serial-vm", Named("uarta"));

  const v1::Event edge = watcher->Next();
  EXPECT_EQ(edge.number(), before + 1);
  EXPECT_EQ(edge.kind(), "edge");
  EXPECT_EQ(edge.vm(), "serial-vm");
  EXPECT_EQ(edge.resource().kind(), v1::RESOURCE_KIND_CLOCK);
  EXPECT_EQ(edge.resource().id(), kUarta.value());
  EXPECT_EQ(edge.resource_name(), "uarta");
  EXPECT_EQ(edge.value(), 1);
  EXPECT_EQ(edge.text(), "clock uarta was turned on for serial-vm");
  EXPECT_GT(edge.time().seconds(), 1'600'000'000);
  EXPECT_EQ(edge.lost(), 0u);

  const v1::Event vote = watcher->Next();
  EXPECT_EQ(vote.number(), before + 2);
  EXPECT_EQ(vote.kind(), "vote");
  EXPECT_EQ(vote.text(), "serial-vm votes for clock uarta");
}

TEST_F(WatchTest, TellsOfRefusals) {
  const auto watcher = Watch({0, {}, {"denied"}});
  Enable("serial-vm", Named("vic"));
  const v1::Event denied = watcher->Next();
  EXPECT_EQ(denied.vm(), "serial-vm");
  EXPECT_EQ(denied.error(), -13);
  EXPECT_EQ(denied.reason(), "not-permitted");
  EXPECT_EQ(denied.text(),
            "serial-vm was refused CLK ENABLE of clock vic: EACCES, the VM's policy doesn't allow "
            "it");
}

TEST_F(WatchTest, ReplaysWhatIsRememberedAndGoesOn) {
  Enable("serial-vm", Named("uarta"));
  const uint64_t last = broker_.events().last();
  const auto watcher = Watch({.since = 1, .vms = {}, .kinds = {}});
  std::set<std::string> defined;
  for (uint64_t number = 1; number <= last; ++number) {
    const v1::Event event = watcher->Next();
    EXPECT_EQ(event.number(), number);
    if (event.kind() == "vm-defined") defined.insert(event.vm());
  }
  EXPECT_EQ(defined, (std::set<std::string>{"serial-vm", "video-vm", "voter-vm", "hidden-vm"}));
  Disable("serial-vm", Named("uarta"));
  EXPECT_EQ(watcher->Next().number(), last + 1);
}

TEST_F(WatchTest, ANumberAheadOfTheLogMeansFromNowOn) {
  const auto watcher = Watch({.since = 1'000'000, .vms = {}, .kinds = {}});
  const uint64_t last = broker_.events().last();
  Enable("serial-vm", Named("uarta"));
  EXPECT_EQ(watcher->Next().number(), last + 1);
}

TEST_F(WatchTest, FiltersByVmAndByKind) {
  const auto watcher = Watch({0, {"video-vm"}, {"vote", "denied"}});
  Enable("serial-vm", Named("uarta"));  // another VM
  Enable("serial-vm", Named("vic"));    // another VM
  Enable("video-vm", Named("uarta"));   // refused
  EXPECT_EQ(watcher->Next().kind(), "denied");
  v1::PowerOnResponse on;
  Call(*PowerDomains("video-vm"), &v1::PowerDomains::Stub::PowerOn, &on,
       [](auto* request) { *request->mutable_power_domain() = Named("vic"); });
  const v1::Event vote = watcher->Next();
  EXPECT_EQ(vote.kind(), "vote");  // and not the edge before it
  EXPECT_EQ(vote.vm(), "video-vm");
  EXPECT_EQ(vote.lost(), 0u);  // left out is not lost
}

TEST_F(WatchTest, AVmIsConcernedByWhatItIsInTheWayOf) {
  const auto watcher = Watch({0, {"voter-vm"}, {"conflict"}});
  Enable("serial-vm", Named("uarta"));
  Enable("voter-vm", Named("uarta"));
  v1::SetParentResponse response;
  Call(*Clocks("serial-vm"), &v1::Clocks::Stub::SetParent, &response, [](auto* request) {
    *request->mutable_clock() = Named("uarta");
    *request->mutable_parent() = Named("clk_m");
  });
  const v1::Event conflict = watcher->Next();
  EXPECT_EQ(conflict.vm(), "serial-vm");
  EXPECT_EQ(conflict.other(), "voter-vm");
  EXPECT_EQ(conflict.error(), -16);
}

TEST_F(WatchTest, HasTheServicesOwnEvents) {
  const auto watcher = Watch({});
  broker_.events().Add(service::event_kind::kThrottled, broker_.vm("serial-vm"), "too fast");
  const v1::Event event = watcher->Next();
  EXPECT_EQ(event.kind(), "throttled");
  EXPECT_EQ(event.vm(), "serial-vm");
  EXPECT_EQ(event.text(), "too fast");
  EXPECT_FALSE(event.has_resource());
}

TEST_F(WatchTest, RefusesWhatCanNeverHappen) {
  const grpc::Status kind = Watch({0, {}, {"votes"}})->Finish();
  EXPECT_EQ(kind.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(kind.error_message(), HasSubstr("there are no events of kind 'votes'"));
  EXPECT_THAT(kind.error_message(), HasSubstr("vote, edge, "));
  const grpc::Status vm = Watch({0, {"serial"}, {}})->Finish();
  EXPECT_EQ(vm.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(vm.error_message(), HasSubstr("'serial'"));
}

TEST_F(WatchTest, SeveralWatchersSeeTheSame) {
  const auto one = Watch({});
  const auto two = Watch({});
  Enable("serial-vm", Named("uarta"));
  EXPECT_EQ(one->Next().SerializeAsString(), two->Next().SerializeAsString());
}

// More than the ring, the sockets and the windows between them hold.
TEST_F(WatchTest, ASlowWatcherHoldsNobodyUpAndLearnsWhatItMissed) {
  constexpr int kEvents = 30'000;
  const std::string text(1'000, 'x');
  const auto slow = Watch({});
  const auto idle = Watch({});
  const uint64_t first = broker_.events().last() + 1;
  for (int i = 0; i < kEvents; ++i) {
    broker_.events().Add(service::event_kind::kThrottled, VmId(1), text);
  }
  const uint64_t last = broker_.events().last();
  EXPECT_EQ(last, first + kEvents - 1);
  // What is read now begins where the watch did, goes on to the end, and accounts for the rest.
  uint64_t next = first;
  uint64_t lost = 0;
  while (next <= last) {
    const v1::Event event = slow->Next();
    ASSERT_EQ(event.number(), next + event.lost());
    lost += event.lost();
    next = event.number() + 1;
  }
  EXPECT_GT(lost, 0u);
  EXPECT_LT(lost, static_cast<uint64_t>(kEvents));
  // The watcher that never read is still served when it does.
  const v1::Event event = idle->Next();
  EXPECT_EQ(event.number(), first + event.lost());
}

TEST_F(WatchTest, CancelledWatchersAreForgotten) {
  for (int i = 0; i < 50; ++i) {
    const auto watcher = Watch({});
    if (i % 2 == 0) Enable("serial-vm", Named("uarta"));
    watcher->Cancel();
    EXPECT_EQ(watcher->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

TEST_F(WatchTest, StoppingTheServerSendsWatchersHome) {
  const auto watcher = Watch({});
  const auto filtered = Watch({0, {"video-vm"}, {"vote"}});
  std::thread stopping([this] { broker_.admin().Shutdown(absl::Minutes(1)); });
  EXPECT_EQ(watcher->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(filtered->Finish().error_message(), "the broker is stopping");
  stopping.join();
}

}  // namespace
}  // namespace bpmp::testing
