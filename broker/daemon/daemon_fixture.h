// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_DAEMON_FIXTURE_H_
#define BROKER_DAEMON_DAEMON_FIXTURE_H_

#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bpmp/v1/admin.grpc.pb.h"
#include "broker/service/unix_socket.h"

namespace bpmp::daemon {

inline constexpr uid_t kNobody = 65534;

// One run of the program, in a runtime directory of its own, with a service manager's socket that
// the test listens on.
class DaemonComponentTest : public testing::Test {
 protected:
  DaemonComponentTest() {
    std::string name = "/tmp/bpmp-daemon-XXXXXX";  // short: socket paths are bounded
    root_ = mkdtemp(name.data());
    notify_ = service::UniqueFd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = root_ + "/notify";
    std::copy(path.begin(), path.end(), address.sun_path);
    EXPECT_EQ(bind(notify_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }

  ~DaemonComponentTest() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(root_);
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/" + name) << text;
    return root_ + "/" + name;
  }

  // As root, too, everything stays in the test's directory.
  std::string ConfigWith(const std::string& more) {
    return Write("broker.yaml", absl::StrCat("runtime_dir: ", root_, "/run\nmetrics: off\n", more));
  }

  // `unprivileged`: not as root, even if the test is.
  void Start(std::vector<std::string> args, std::map<std::string, std::string> environment = {},
             bool unprivileged = false) {
    environment.try_emplace("XDG_RUNTIME_DIR", root_);
    environment.try_emplace("NOTIFY_SOCKET", root_ + "/notify");
    args.insert(args.begin(), BPMP_BROKER_BINARY);
    std::vector<std::string> variables;
    for (const auto& [key, value] : environment) variables.push_back(absl::StrCat(key, "=", value));
    const auto pointers = [](std::vector<std::string>& strings) {
      std::vector<char*> result;
      for (std::string& string : strings) result.push_back(string.data());
      result.push_back(nullptr);
      return result;
    };
    std::vector<char*> argv = pointers(args);
    std::vector<char*> envp = pointers(variables);
    const std::string out = root_ + "/out";
    const std::string err = root_ + "/err";
    // By descriptor: another user need not be able to reach the build directory.
    const service::UniqueFd program(open(BPMP_BROKER_BINARY, O_PATH | O_CLOEXEC));
    const bool drop = unprivileged && geteuid() == 0;
    if (drop) {
      ASSERT_EQ(chown(root_.c_str(), kNobody, kNobody), 0);
    }
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
      dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      if (drop && (chown((root_ + "/notify").c_str(), kNobody, kNobody) != 0 ||
                   setgid(kNobody) != 0 || setuid(kNobody) != 0)) {
        _exit(126);
      }
      execveat(program.get(), "", argv.data(), envp.data(), AT_EMPTY_PATH);
      _exit(127);
    }
    ended_ = service::UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  }

  // Reads what the service manager is told until `text` is in it; false when the program ends
  // first.
  bool WaitUntilTold(const std::string& text) {
    while (!absl::StrContains(told_, text)) {
      std::array<pollfd, 2> fds = {pollfd{notify_.get(), POLLIN, 0},
                                   pollfd{ended_.get(), POLLIN, 0}};
      if (poll(fds.data(), fds.size(), -1) < 0) continue;
      if ((fds[0].revents & POLLIN) == 0) return false;
      std::array<char, 4096> buffer{};
      const ssize_t size = recv(notify_.get(), buffer.data(), buffer.size(), 0);
      if (size > 0)
        absl::StrAppend(&told_, std::string(buffer.data(), static_cast<size_t>(size)), "\n");
    }
    return true;
  }

  // The exit status, or minus the signal that ended it.
  int WaitForEnd() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string Slurp(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(root_ + "/" + name).rdbuf();
    return text.str();
  }

  // The admin API of a broker whose runtime directory is `directory`.
  v1::ServerStatus StatusOf(const std::string& directory) {
    auto stub = v1::Admin::NewStub(grpc::CreateChannel(
        absl::StrCat("unix:", directory, "/admin.sock"), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::ServerStatus status;
    const grpc::Status rpc = stub->GetServerStatus(&context, {}, &status);
    EXPECT_TRUE(rpc.ok()) << rpc.error_message();
    return status;
  }

  std::string root_;
  std::string told_;
  service::UniqueFd notify_;
  service::UniqueFd ended_;
  pid_t pid_ = -1;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_DAEMON_FIXTURE_H_
