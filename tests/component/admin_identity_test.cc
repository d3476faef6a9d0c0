// SPDX-License-Identifier: Apache-2.0
// Who reaches the admin socket where VMs and administrators have one user, and only their units, as
// /proc tells them, tell them apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "bpmp/v1/config.pb.h"
#include "tests/lib/child_guest.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// UNAVAILABLE: the connection was closed.
constexpr char kTurnedAway[] = "error 14";
// UNIMPLEMENTED: it was heard, but the admin socket has no sessions.
constexpr char kHeard[] = "error 12";

// Where a test says in which unit a process is.
class FakeProc {
 public:
  FakeProc() {
    char name[] = "/tmp/bpmp-proc-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~FakeProc() { std::filesystem::remove_all(root_); }
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;

  void Put(pid_t pid, const std::string& unit) const {
    const std::string directory = absl::StrCat(root_, "/", pid);
    std::filesystem::create_directory(directory);
    std::ofstream(directory + "/cgroup") << "0::/system.slice/" << unit << "\n";
  }
  TestBroker::Options Options() const {
    TestBroker::Options options;
    options.proc_root = root_;
    return options;
  }

 private:
  std::string root_;
};

TEST(AdminIdentityTest, AVmsProcessReachesNoAdminSocketOfItsOwnUser) {
  const FakeProc proc;
  TestBroker broker("vms { name: 'a' peer { unit: 'microvm@a.service' } }", proc.Options());
  ChildGuest vmm;
  proc.Put(vmm.pid(), "microvm@a.service");
  ChildGuest operators;
  proc.Put(operators.pid(), "getty@tty1.service");
  EXPECT_THAT(vmm.Ask("hello " + broker.socket("a")), StartsWith("welcome"));
  EXPECT_THAT(vmm.Ask("hello " + broker.admin_socket()), StartsWith(kTurnedAway));
  const auto event = broker.WaitFor(service::event_kind::kSessionRefused, "a");
  EXPECT_EQ(event.text, absl::StrCat("refused pid ", vmm.pid(), ", uid ", geteuid(),
                                     " at the admin socket: it is in this VM's unit"));
  EXPECT_THAT(operators.Ask("hello " + broker.admin_socket()), StartsWith(kHeard));
}

TEST(AdminIdentityTest, WhoseUnitCantBeToldReachesNoAdminSocket) {
  const FakeProc proc;
  TestBroker broker("vms { name: 'a' peer { unit: 'microvm@a.service' } }", proc.Options());
  ChildGuest somebody;
  EXPECT_THAT(somebody.Ask("hello " + broker.admin_socket()), StartsWith(kTurnedAway));
  const auto event = broker.WaitFor(service::event_kind::kSessionRefused, "a");
  EXPECT_THAT(event.text, HasSubstr("/cgroup can't be read"));
  EXPECT_THAT(event.text, HasSubstr("start bpmpctl where the broker sees"));
}

TEST(AdminIdentityTest, WithoutUnitsNobodysUnitMatters) {
  const FakeProc proc;
  TestBroker broker("vms { name: 'a' }", proc.Options());
  ChildGuest somebody;
  EXPECT_THAT(somebody.Ask("hello " + broker.admin_socket()), StartsWith(kHeard));
}

TEST(AdminIdentityTest, AVmThatIsAddedLaterCountsAtTheAdminSocket) {
  const FakeProc proc;
  TestBroker broker("", proc.Options());
  ChildGuest before;
  EXPECT_THAT(before.Ask("hello " + broker.admin_socket()), StartsWith(kHeard));
  v1::VmConfig vm;
  vm.set_name("a");
  vm.mutable_peer()->set_unit("microvm@a.service");
  const absl::Status defined = broker.registry().Define(vm, nullptr);
  ASSERT_TRUE(defined.ok()) << defined;
  ChildGuest after;
  EXPECT_THAT(after.Ask("hello " + broker.admin_socket()), StartsWith(kTurnedAway));
}

TEST(AdminIdentityTest, AStoppingBrokerStillKnowsTheVms) {
  const FakeProc proc;
  TestBroker broker("vms { name: 'a' peer { unit: 'microvm@a.service' } }", proc.Options());
  ChildGuest vmm;
  proc.Put(vmm.pid(), "microvm@a.service");
  broker.registry().Shutdown(absl::ZeroDuration());
  EXPECT_THAT(vmm.Ask("hello " + broker.admin_socket()), StartsWith(kTurnedAway));
}

}  // namespace
}  // namespace bpmp::testing
