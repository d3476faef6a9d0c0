// SPDX-License-Identifier: Apache-2.0
// What the lives of streams, processes and machines mean for a VM's session and for what it holds.
#include <gmock/gmock.h>
#include <grpcpp/create_channel_posix.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "broker/service/vm_server.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/child_guest.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class GuestLivesTest : public ::testing::Test {
 protected:
  bool IsOn(ClockId clock) {
    return broker_.sim().WithModel([&](auto& model) { return model.IsEnabled(clock); });
  }
  std::string HelloFrom(ChildGuest& child, const std::string& more = "") {
    return child.Ask(absl::StrCat("hello ", broker_.socket("a"), " ", more));
  }
  void ExpectRefused() {
    GuestClient other(broker_.socket("a"));
    v1::SessionRequest hello;
    hello.mutable_hello();
    other.Send(hello);
    const grpc::Status status = other.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("VM a has a session already: pid "));
  }

  TestBroker broker_{R"(vms { name: "a" devices { device: "uarta" } })"};
};

TEST_F(GuestLivesTest, TheSameProcessTakesOver) {
  GuestClient first(broker_.socket("a"));
  const uint64_t id = first.Hello().session_id();
  EXPECT_EQ(first.Transfer(Enable(kUarta)).error, 0);
  GuestClient second(broker_.socket("a"));
  const v1::Welcome welcome = second.Hello();
  EXPECT_NE(welcome.session_id(), id);
  EXPECT_FALSE(welcome.resumed());
  const grpc::Status status = first.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("taken over"));
  EXPECT_TRUE(broker_.Holds("a", kUarta)) << "votes are the VM's, not the stream's";
  EXPECT_EQ(broker_.sessions().connected(), 1u);
  const auto closed = broker_.WaitFor(service::event_kind::kSessionClosed, "a");
  EXPECT_THAT(closed.text, HasSubstr("taken over"));
}

TEST_F(GuestLivesTest, TheSameProcessResumes) {
  GuestClient first(broker_.socket("a"));
  const v1::Welcome before = first.Hello();
  GuestClient second(broker_.socket("a"));
  const v1::Welcome after = second.Hello(before.session_id());
  EXPECT_TRUE(after.resumed());
  EXPECT_EQ(after.session_id(), before.session_id());
  EXPECT_EQ(after.epoch(), before.epoch());
  EXPECT_EQ(first.Finish().error_code(), grpc::StatusCode::ABORTED);
}

TEST_F(GuestLivesTest, ATakenOverStreamMayHaveRequestsInFlight) {
  auto hang = backend::sim::ParseFault("CLK ENABLE 155 hang");
  ASSERT_TRUE(hang.ok());
  broker_.sim().AddFault(*hang);
  GuestClient first(broker_.socket("a"));
  first.Hello();
  first.Send(Enable(kUarta));
  broker_.sim().WaitUntilHanging(1);
  GuestClient second(broker_.socket("a"));
  second.Hello();
  EXPECT_EQ(first.Finish().error_code(), grpc::StatusCode::ABORTED);
  broker_.sim().ReleaseHangs();
  EXPECT_EQ(second.Transfer(Enable(kUarta)).error, 0);
}

TEST_F(GuestLivesTest, AnotherProcessIsRefused) {
  ChildGuest child;
  ASSERT_THAT(HelloFrom(child), StartsWith("welcome"));
  ExpectRefused();
  const auto event = broker_.WaitFor(service::event_kind::kSessionRefused, "a");
  EXPECT_THAT(event.text, HasSubstr(absl::StrCat("refused pid ", getpid())));
  EXPECT_THAT(event.text, HasSubstr(absl::StrCat("pid ", child.pid())));
  EXPECT_EQ(child.Ask("enable 155"), "answer 0") << "the first isn't disturbed";
}

TEST_F(GuestLivesTest, TheEndOfTheProcessReleases) {
  ChildGuest child;
  ASSERT_THAT(HelloFrom(child), StartsWith("welcome"));
  ASSERT_EQ(child.Ask("enable 155"), "answer 0");
  ASSERT_TRUE(IsOn(kUarta));
  child.Kill();
  broker_.WaitFor("released", "a");
  EXPECT_FALSE(IsOn(kUarta));
  EXPECT_FALSE(broker_.Holds("a", kUarta));
  EXPECT_FALSE(broker_.sessions().Find(broker_.vm("a")).has_value());
}

TEST_F(GuestLivesTest, AKillIsToldOnce) {
  ChildGuest child;
  ASSERT_THAT(HelloFrom(child), StartsWith("welcome"));
  // The broker doesn't look at processes until this one has ended.
  std::promise<void> look;
  broker_.acceptor().After(absl::ZeroDuration(),
                           [looks = look.get_future().share()] { looks.wait(); });
  ASSERT_EQ(child.Ask("drop"), "dropped");
  while (broker_.sessions().connected() > 0) std::this_thread::yield();
  child.Kill();
  look.set_value();
  const auto closed = broker_.WaitFor(service::event_kind::kSessionClosed, "a");
  EXPECT_THAT(closed.text, HasSubstr("has ended; releasing the VM"));
  broker_.WaitFor("released", "a");
  for (uint64_t number = 1; number <= broker_.events().last(); ++number) {
    EXPECT_NE(broker_.events().Read(number)->kind, service::event_kind::kSessionLost);
  }
}

TEST_F(GuestLivesTest, TheNextProcessNeedNotWaitForTheBroker) {
  // Fewer than may be connected at a time: a busy gRPC notices the end of each a second later.
  constexpr uint32_t kLives = service::VmServer::kMaxProcesses - 4;
  for (uint32_t life = 0; life < kLives; ++life) {
    ChildGuest child;
    ASSERT_THAT(HelloFrom(child), StartsWith("welcome")) << life;
    ASSERT_EQ(child.Ask("enable 155"), "answer 0");
    child.Kill();
  }
  GuestClient guest(broker_.socket("a"));
  EXPECT_GE(guest.Hello().epoch(), kLives);
  broker_.WaitFor("released", "a");
}

TEST_F(GuestLivesTest, LosingTheStreamReleasesNothing) {
  ChildGuest child;
  const std::string welcome = HelloFrom(child);
  ASSERT_THAT(welcome, StartsWith("welcome"));
  ASSERT_EQ(child.Ask("enable 155"), "answer 0");
  ASSERT_EQ(child.Ask("drop"), "dropped");
  broker_.WaitFor(service::event_kind::kSessionLost, "a");
  EXPECT_FALSE(broker_.sessions().Find(broker_.vm("a"))->connected);
  EXPECT_TRUE(broker_.Holds("a", kUarta));
  ExpectRefused();
  // It comes back and finds its session, then ends while it is lost again.
  EXPECT_EQ(HelloFrom(child, welcome.substr(8)), welcome);
  ASSERT_EQ(child.Ask("drop"), "dropped");
  child.Kill();
  broker_.WaitFor("released", "a");
  EXPECT_FALSE(IsOn(kUarta));
}

TEST_F(GuestLivesTest, AMachineResetBeginsANewEpoch) {
  GuestClient guest(broker_.socket("a"));
  const uint32_t epoch = guest.Hello().epoch();
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  EXPECT_EQ(guest.MachineReset(), epoch + 1);
  EXPECT_FALSE(IsOn(kUarta));
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  EXPECT_TRUE(broker_.Holds("a", kUarta));
}

TEST_F(GuestLivesTest, RequestsAfterAMachineResetWaitForTheRelease) {
  GuestClient guest(broker_.socket("a"));
  guest.Hello();
  ASSERT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  auto hang = backend::sim::ParseFault("CLK DISABLE 155 hang nth=1");
  ASSERT_TRUE(hang.ok());
  broker_.sim().AddFault(*hang);
  v1::SessionRequest reset;
  reset.set_sequence(100);
  reset.mutable_machine_reset();
  guest.Send(reset);
  broker_.sim().WaitUntilHanging(1);
  v1::SessionRequest enable;
  enable.set_sequence(101);
  *enable.mutable_request() = ToMessage(Enable(kUarta));
  guest.Send(enable);
  broker_.sim().ReleaseHangs();
  bool reset_done = false;
  for (int i = 0; i < 2; ++i) {
    const auto response = guest.Receive();
    ASSERT_TRUE(response.has_value());
    if (response->sequence() == 100) {
      reset_done = response->has_machine_reset_done();
    } else {
      EXPECT_EQ(response->response().error(), 0);
    }
  }
  EXPECT_TRUE(reset_done);
  EXPECT_TRUE(broker_.Holds("a", kUarta)) << "the new epoch's vote outlives the release";
}

TEST_F(GuestLivesTest, TheResetOfAResumingVmmsStartReleasesNothing) {
  GuestClient first(broker_.socket("a"));
  const v1::Welcome before = first.Hello();
  EXPECT_EQ(first.Transfer(Enable(kUarta)).error, 0);
  GuestClient second(broker_.socket("a"));
  second.Hello(before.session_id());
  EXPECT_EQ(second.MachineReset(), before.epoch());
  EXPECT_TRUE(broker_.Holds("a", kUarta));
  // Once the guest has asked for something, a reset is one of the guest.
  EXPECT_EQ(second.Transfer(Ping(1)).error, 0);
  EXPECT_EQ(second.MachineReset(), before.epoch() + 1);
  EXPECT_FALSE(broker_.Holds("a", kUarta));
}

TEST_F(GuestLivesTest, ASessionGoesOnAfterTheAdministratorReleasedItsVm) {
  GuestClient guest(broker_.socket("a"));
  guest.Hello();
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  std::promise<void> released;
  broker_.engine().Release(broker_.vm("a"), [&] { released.set_value(); });
  released.get_future().get();
  EXPECT_FALSE(IsOn(kUarta));
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
}

TEST_F(GuestLivesTest, DeletingAVmEndsItsSession) {
  GuestClient guest(broker_.socket("a"));
  guest.Hello();
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  std::promise<absl::Status> deleted;
  broker_.registry().Delete("a", [&](absl::Status status) { deleted.set_value(status); });
  const absl::Status status = deleted.get_future().get();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(guest.Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_FALSE(IsOn(kUarta));
  EXPECT_FALSE(broker_.registry().Find("a").has_value());
}

TEST_F(GuestLivesTest, StoppingTheBrokerReleasesNothing) {
  GuestClient guest(broker_.socket("a"));
  guest.Hello();
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  const VmId vm = broker_.vm("a");
  broker_.registry().Shutdown(absl::Seconds(10));
  EXPECT_EQ(guest.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(IsOn(kUarta));
  EXPECT_FALSE(broker_.sessions().Find(vm).has_value());
}

// --- A connection that a launcher made ----------------------------------------------------------

// A process that connects to `path`, passes the descriptor on over `channel`, and stays. Only
// system calls: it is forked from a process with threads.
pid_t Launch(const std::string& path, int channel) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) _exit(1);
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(fd));
  std::copy_n(reinterpret_cast<const unsigned char*>(&fd), sizeof(fd), CMSG_DATA(header));
  if (sendmsg(channel, &message, 0) != 1) _exit(2);
  close(fd);
  pause();
  _exit(0);
}

int ReceiveDescriptor(int channel) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
  int fd = -1;
  std::copy_n(CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd),
              reinterpret_cast<unsigned char*>(&fd));
  return fd;
}

TEST_F(GuestLivesTest, ASessionOutlivesTheLauncherThatConnectedIt) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const pid_t launcher = Launch(broker_.socket("a"), pair[1]);
  const int fd = ReceiveDescriptor(pair[0]);
  ASSERT_GE(fd, 0);
  {
    GuestClient guest(grpc::CreateInsecureChannelFromFd("launched", fd));
    guest.Hello();
    EXPECT_EQ(broker_.sessions().Find(broker_.vm("a"))->pid, launcher);
    EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
    kill(launcher, SIGKILL);
    ASSERT_EQ(waitpid(launcher, nullptr, 0), launcher);
    // The broker has heard of it when a second look at processes, after this one, is through.
    ChildGuest later;
    later.Kill();
    EXPECT_EQ(guest.Transfer(IsEnabled(kUarta)).error, 0);
    EXPECT_TRUE(broker_.Holds("a", kUarta));
  }
  broker_.WaitFor("released", "a");
  EXPECT_FALSE(IsOn(kUarta));
  close(pair[0]);
  close(pair[1]);
}

}  // namespace
}  // namespace bpmp::testing
