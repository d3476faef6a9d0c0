// SPDX-License-Identifier: Apache-2.0
#include "broker/service/acceptor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <future>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/service/unix_socket.h"

namespace bpmp::service {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

UniqueFd ConnectTo(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0) << path;
  return fd;
}

class AcceptorTest : public ::testing::Test {
 protected:
  AcceptorTest() {
    char name[] = "/tmp/bpmp-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~AcceptorTest() override { rmdir(directory_.c_str()); }
  UnixSocket Listen() {
    auto made = UnixSocket::Listen(directory_ + "/a.sock", {});
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }

  std::string directory_;
  Acceptor acceptor_;
};

// Without a thread beside it: the limit is the process's, and UBSan looks at memory through a pipe.
TEST(AcceptorWithoutDescriptors, SaysSo) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  Acceptor without;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(without.status().ToString(),
              AllOf(HasSubstr("limit of open files is too low"), HasSubstr("Too many open files")));
  without.After(absl::ZeroDuration(), [] { FAIL() << "there is nothing to wait with"; });
  EXPECT_TRUE(Acceptor().status().ok());
}

TEST_F(AcceptorTest, HandsOverConnectionsNonBlocking) {
  const UnixSocket socket = Listen();
  std::promise<UniqueFd> accepted;
  const auto id = acceptor_.Listen(
      socket.fd(), [&](UniqueFd connection) { accepted.set_value(std::move(connection)); });
  const UniqueFd client = ConnectTo(socket.path());
  const UniqueFd connection = accepted.get_future().get();
  EXPECT_TRUE(fcntl(connection.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(connection.get(), F_GETFD) & FD_CLOEXEC);
  acceptor_.Forget(id);
}

TEST_F(AcceptorTest, TellsOnceThatADescriptorIsReadable) {
  const UniqueFd event(eventfd(0, EFD_CLOEXEC));
  std::promise<void> ready;  // set_value a second time would throw
  acceptor_.WhenReadable(event.get(), [&] { ready.set_value(); });
  eventfd_write(event.get(), 1);
  ready.get_future().get();
  std::promise<void> later;
  acceptor_.After(absl::ZeroDuration(), [&] { later.set_value(); });
  later.get_future().get();
}

TEST_F(AcceptorTest, ForgottenDescriptorsStaySilent) {
  const UniqueFd event(eventfd(0, EFD_CLOEXEC));
  bool called = false;
  acceptor_.Forget(acceptor_.WhenReadable(event.get(), [&] { called = true; }));
  eventfd_write(event.get(), 1);
  acceptor_.Stop();
  EXPECT_FALSE(called);
}

TEST_F(AcceptorTest, ForgetWaitsForACallbackThatRuns) {
  const UniqueFd event(eventfd(1, EFD_CLOEXEC));
  std::promise<void> entered;
  std::promise<void> go_on;
  std::atomic<bool> finished{false};
  const auto id = acceptor_.WhenReadable(event.get(), [&, go = go_on.get_future().share()] {
    entered.set_value();
    go.wait();
    finished = true;
  });
  entered.get_future().get();
  std::thread forgetter([&] {
    acceptor_.Forget(id);
    EXPECT_TRUE(finished);
  });
  go_on.set_value();
  forgetter.join();
}

TEST_F(AcceptorTest, ACallbackMayForgetItself) {
  const UnixSocket socket = Listen();
  std::promise<void> forgotten;
  Acceptor::WatchId id = 0;
  std::promise<void> known;
  id = acceptor_.Listen(socket.fd(), [&, ready = known.get_future().share()](UniqueFd) {
    ready.wait();
    acceptor_.Forget(id);
    forgotten.set_value();
  });
  known.set_value();
  const UniqueFd client = ConnectTo(socket.path());
  forgotten.get_future().get();
}

TEST_F(AcceptorTest, TimersRunInTheOrderOfTheirTimes) {
  std::vector<int> order;
  std::promise<void> done;
  std::promise<void> held;
  // Holds the thread, so that all are due when it goes on.
  acceptor_.After(absl::ZeroDuration(), [wait = held.get_future().share()] { wait.wait(); });
  acceptor_.After(absl::Milliseconds(3), [&] {
    order.push_back(3);
    done.set_value();
  });
  acceptor_.After(absl::Milliseconds(1), [&] { order.push_back(1); });
  acceptor_.After(absl::Milliseconds(2), [&] { order.push_back(2); });
  held.set_value();
  done.get_future().get();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(AcceptorTest, ATimerThatIsFarOffDelaysNoOther) {
  bool far = false;
  acceptor_.After(absl::InfiniteDuration(), [&] { far = true; });
  acceptor_.After(absl::Hours(2), [&] { far = true; });
  // Set before what was first, and again when that has run.
  for (const absl::Duration delay : {absl::Microseconds(100), -absl::Seconds(1)}) {
    std::promise<void> soon;
    acceptor_.After(delay, [&] { soon.set_value(); });
    soon.get_future().get();
  }
  acceptor_.Stop();
  EXPECT_FALSE(far);
}

TEST_F(AcceptorTest, StopDropsTimers) {
  auto token = std::make_shared<int>(0);
  bool called = false;
  acceptor_.After(absl::Hours(1), [token, &called] { called = true; });
  EXPECT_EQ(token.use_count(), 2);
  acceptor_.Stop();
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace bpmp::service
