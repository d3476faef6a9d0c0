// SPDX-License-Identifier: Apache-2.0
// Who may speak for a VM: sockets, users, control groups.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "bpmp/v1/admin.grpc.pb.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/child_guest.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uid_t kUserA = 64'001;
constexpr uid_t kUserB = 64'002;
// UNAVAILABLE: the connection was closed.
constexpr char kTurnedAway[] = "error 14";

constexpr char kTwoVms[] = R"(
  vms { name: "a" devices { device: "uarta" } }
  vms { name: "b" devices { device: "vic" } })";

TEST(GuestIdentityTest, ASocketSpeaksForItsVmAndNoOther) {
  TestBroker broker(kTwoVms);
  GuestClient a(broker.socket("a"));
  GuestClient b(broker.socket("b"));
  EXPECT_EQ(a.Hello().vm(), "a");
  EXPECT_EQ(b.Hello().vm(), "b");
  EXPECT_EQ(a.Transfer(Enable(kUarta)).error, 0);
  EXPECT_EQ(a.Transfer(Pg(mrq::PgCmd::kSetState, kVicDomain, 1)).error,
            Failed(mrq::Error::kAccess));
  EXPECT_EQ(b.Transfer(Enable(kUarta)).error, Failed(mrq::Error::kAccess));
  EXPECT_EQ(b.Transfer(Disable(kUarta)).error, Failed(mrq::Error::kAccess));
  EXPECT_TRUE(broker.sim().WithModel([](auto& model) { return model.IsEnabled(kUarta); }));
}

TEST(GuestIdentityTest, NoVmReachesTheAdminApi) {
  TestBroker broker(kTwoVms);
  const auto admin = v1::Admin::NewStub(ConnectTo(broker.socket("a")));
  grpc::ClientContext status_context;
  v1::ServerStatus status;
  EXPECT_EQ(admin->GetServerStatus(&status_context, {}, &status).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  grpc::ClientContext as_context;
  v1::TransferAsRequest as_b;
  as_b.set_vm("b");
  *as_b.mutable_request() = ToMessage(Ping(1));
  v1::TransferAsResponse response;
  EXPECT_EQ(admin->TransferAs(&as_context, as_b, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST(GuestIdentityTest, SocketsAreForTheirOwnerAlone) {
  TestBroker broker(kTwoVms);
  struct stat file {};
  ASSERT_EQ(stat(broker.socket("a").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(file.st_uid, geteuid());
}

// --- Two users ----------------------------------------------------------------------------------

class TwoUsersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to become two other users";
  }
  // The modes let everybody connect, so that the broker's own check is what is tested.
  TestBroker broker_{absl::StrCat("vms { name: 'a' owner: '", geteuid() == 0 ? kUserA : geteuid(),
                                  "' mode: '0666' } vms { name: 'b' owner: '",
                                  geteuid() == 0 ? kUserB : geteuid(), "' mode: '0666' }",
                                  "vms { name: 'c' mode: '0666' }")};
};

TEST_F(TwoUsersTest, EachReachesItsOwnVm) {
  ChildGuest a(kUserA);
  ChildGuest b(kUserB);
  EXPECT_THAT(a.Ask("hello " + broker_.socket("a")), StartsWith("welcome"));
  EXPECT_THAT(b.Ask("hello " + broker_.socket("b")), StartsWith("welcome"));
  EXPECT_EQ(broker_.sessions().Find(broker_.vm("a"))->uid, kUserA);
  EXPECT_EQ(broker_.sessions().Find(broker_.vm("b"))->pid, b.pid());
}

TEST_F(TwoUsersTest, NeitherReachesTheOthers) {
  ChildGuest b(kUserB);
  EXPECT_THAT(b.Ask("hello " + broker_.socket("a")), StartsWith(kTurnedAway));
  const auto event = broker_.WaitFor(service::event_kind::kSessionRefused, "a");
  EXPECT_THAT(event.text, StartsWith(absl::StrCat("refused pid ", b.pid())));
  EXPECT_THAT(event.text, HasSubstr(absl::StrCat("uid ", kUserB)));
  EXPECT_THAT(event.text, HasSubstr(absl::StrCat("expected uid ", kUserA)));
  EXPECT_FALSE(broker_.sessions().Find(broker_.vm("a")).has_value());
}

TEST_F(TwoUsersTest, NobodyElseReachesAVmWithoutOwner) {
  ChildGuest a(kUserA);
  EXPECT_THAT(a.Ask("hello " + broker_.socket("c")), StartsWith(kTurnedAway));
  ChildGuest same;
  EXPECT_THAT(same.Ask("hello " + broker_.socket("c")), StartsWith("welcome"));
}

TEST_F(TwoUsersTest, NobodyElseReachesTheAdminSocket) {
  ChildGuest a(kUserA);
  EXPECT_THAT(a.Ask("hello " + broker_.admin_socket()), StartsWith(kTurnedAway));
}

TEST_F(TwoUsersTest, RootReachesAll) {
  ChildGuest root;
  EXPECT_THAT(root.Ask("hello " + broker_.socket("a")), StartsWith("welcome"));
}

TEST(GuestIdentityTest, TheFilesModeIsTheFirstBar) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  TestBroker broker(absl::StrCat("vms { name: 'a' owner: '", kUserA, "' }"));
  ChildGuest b(kUserB);
  EXPECT_THAT(b.Ask("hello " + broker.socket("a")), StartsWith(kTurnedAway));
  ChildGuest a(kUserA);
  EXPECT_THAT(a.Ask("hello " + broker.socket("a")), StartsWith("welcome"));
}

// --- One user, two control groups ---------------------------------------------------------------

// Where version 2 control groups are; empty when they aren't.
std::string GroupRoot() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device;
  std::string path;
  std::string type;
  std::string rest;
  while (mounts >> device >> path >> type && std::getline(mounts, rest)) {
    if (type == "cgroup2") return path;
  }
  return "";
}

// A control group that exists while the test does.
class Group {
 public:
  explicit Group(const std::string& name)
      : path_(absl::StrCat(GroupRoot(), "/", name)), made_(mkdir(path_.c_str(), 0755) == 0) {}
  ~Group() { rmdir(path_.c_str()); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  bool made() const { return made_; }
  // False where it may not.
  bool Add(pid_t pid) const {
    std::ofstream processes(path_ + "/cgroup.procs");
    processes << pid << std::endl;
    return processes.good();
  }

 private:
  const std::string path_;
  const bool made_;
};

class TwoUnitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (GroupRoot().empty()) GTEST_SKIP() << "no cgroup2 file system is mounted";
    if (!group_a_.made() || !group_b_.made()) {
      GTEST_SKIP() << "may not make control groups in " << GroupRoot();
    }
    if (!group_a_.Add(a_.pid()) || !group_b_.Add(b_.pid())) {
      GTEST_SKIP() << "may not move processes between control groups in " << GroupRoot();
    }
  }

  const std::string unit_a_ = absl::StrCat("microvm@a-", getpid(), ".service");
  const std::string unit_b_ = absl::StrCat("microvm@b-", getpid(), ".service");
  TestBroker broker_{absl::StrCat("vms { name: 'a' peer { unit: '", unit_a_,
                                  "' } } vms { name: 'b' peer { unit: '", unit_b_, "' } }")};
  Group group_a_{unit_a_};
  Group group_b_{unit_b_};
  // After the groups, so that they are gone before these.
  ChildGuest a_;
  ChildGuest b_;
};

TEST_F(TwoUnitsTest, EachReachesItsOwnVm) {
  EXPECT_THAT(a_.Ask("hello " + broker_.socket("a")), StartsWith("welcome"));
  EXPECT_THAT(b_.Ask("hello " + broker_.socket("b")), StartsWith("welcome"));
}

TEST_F(TwoUnitsTest, NeitherReachesTheOthers) {
  EXPECT_THAT(a_.Ask("hello " + broker_.socket("b")), StartsWith(kTurnedAway));
  const auto event = broker_.WaitFor(service::event_kind::kSessionRefused, "b");
  EXPECT_THAT(event.text, HasSubstr(unit_a_));
  EXPECT_THAT(event.text, HasSubstr("expected unit " + unit_b_));
}

TEST(GuestIdentityTest, AProcessInNoUnitReachesNoVmThatNamesOne) {
  TestBroker broker("vms { name: 'a' peer { unit: 'microvm@a.service' } } vms { name: 'b' }");
  ChildGuest guest;
  EXPECT_THAT(guest.Ask("hello " + broker.socket("a")), StartsWith(kTurnedAway));
  EXPECT_THAT(guest.Ask("hello " + broker.socket("b")), StartsWith("welcome"));
}

// --- Many connections ----------------------------------------------------------------------------

TEST(GuestIdentityTest, ConnectionsAreNotHoarded) {
  TestBroker broker(kTwoVms);
  std::vector<std::unique_ptr<GuestClient>> guests;
  for (size_t i = 0; i < service::VmServer::kMaxConnections; ++i) {
    guests.push_back(std::make_unique<GuestClient>(broker.socket("a")));
    guests.back()->Hello();
  }
  GuestClient one_more(broker.socket("a"));
  EXPECT_EQ(one_more.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  GuestClient other(broker.socket("b"));
  EXPECT_EQ(other.Transfer(Ping(1)).error, 0) << "another VM isn't concerned";
  // What ends is given back. gRPC closes a connection some time after its client did.
  guests.clear();
  while (true) {
    GuestClient again(broker.socket("a"));
    v1::SessionRequest hello;
    hello.mutable_hello();
    again.Send(hello);
    if (again.Receive()) break;
  }
}

}  // namespace
}  // namespace bpmp::testing
