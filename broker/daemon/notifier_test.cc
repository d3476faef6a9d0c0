// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/notifier.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/service/unix_socket.h"

namespace bpmp::daemon {
namespace {

// The manager's side: a datagram socket that the notifier is told of.
class NotifierTest : public ::testing::Test {
 protected:
  ~NotifierTest() override {
    if (!path_.empty() && path_[0] == '/') unlink(path_.c_str());
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  // Begins with '/' for a file, with '@' for a name in the abstract namespace.
  void Listen(const std::string& path) {
    path_ = path;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LE(path.size(), sizeof(address.sun_path));
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    socket_ = service::UniqueFd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ASSERT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size())),
              0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  // What the manager got: a datagram on a Unix socket is there when it has been sent. Empty:
  // nothing.
  std::string Received() {
    char text[256];
    const ssize_t size = recv(socket_.get(), text, sizeof(text), 0);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

  Notifier notifier_;

 private:
  std::string path_;
  service::UniqueFd socket_;
};

TEST_F(NotifierTest, TellsEachStateAsAssignments) {
  Listen(absl::StrCat("/tmp/bpmp-notify-", getpid()));
  notifier_.Ready("serving 3 VMs");
  EXPECT_EQ(Received(), "READY=1\nSTATUS=serving 3 VMs");
  notifier_.Status("two\nlines");
  EXPECT_EQ(Received(), "STATUS=two lines");
  notifier_.Watchdog();
  EXPECT_EQ(Received(), "WATCHDOG=1");
  notifier_.Stopping("bye");
  EXPECT_EQ(Received(), "STOPPING=1\nSTATUS=bye");
  EXPECT_EQ(Received(), "");
}

TEST_F(NotifierTest, TellsAReloadWithItsTime) {
  Listen(absl::StrCat("/tmp/bpmp-notify-", getpid()));
  notifier_.Reloading();
  // A manager takes a READY that is older than the request for what came before it.
  const std::string told = Received();
  EXPECT_EQ(told.rfind("RELOADING=1\nMONOTONIC_USEC=", 0), 0u) << told;
  EXPECT_NE(told.back(), '=');
  notifier_.Reloaded();
  EXPECT_EQ(Received(), "READY=1");
}

TEST_F(NotifierTest, KnowsAbstractSockets) {
  Listen(absl::StrCat("@bpmp-notify-", getpid()));
  notifier_.Watchdog();
  EXPECT_EQ(Received(), "WATCHDOG=1");
}

TEST_F(NotifierTest, TellsNobodyWhereNobodyListens) {
  notifier_.Ready("unheard");
  for (const std::string& name : {std::string(), std::string("/"), std::string("relative"),
                                  std::string("/nonexistent/x"), "/" + std::string(4096, 'x')}) {
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    notifier_.Ready("unheard");
  }
}

TEST_F(NotifierTest, WatchdogIsThatOfThisProcess) {
  EXPECT_EQ(Notifier::WatchdogTimeout(), absl::InfiniteDuration());
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(Notifier::WatchdogTimeout(), absl::Seconds(30));
  setenv("WATCHDOG_PID", absl::StrCat(getpid()).c_str(), 1);
  EXPECT_EQ(Notifier::WatchdogTimeout(), absl::Seconds(30));
  setenv("WATCHDOG_PID", absl::StrCat(getppid()).c_str(), 1);
  EXPECT_EQ(Notifier::WatchdogTimeout(), absl::InfiniteDuration());
}

TEST_F(NotifierTest, AWatchdogThatIsNoNumberIsNone) {
  for (const char* text : {"", "0", "-1", "soon", "99999999999999999999999"}) {
    setenv("WATCHDOG_USEC", text, 1);
    EXPECT_EQ(Notifier::WatchdogTimeout(), absl::InfiniteDuration()) << text;
  }
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", "me", 1);
  EXPECT_EQ(Notifier::WatchdogTimeout(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace bpmp::daemon
