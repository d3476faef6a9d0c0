// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/child_guest.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace bpmp::testing {
namespace {

// Between fork and exec, where nothing but system calls is allowed.
[[noreturn]] void Become(int socket, uid_t user, bool change_user) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (dup2(socket, STDIN_FILENO) < 0 || dup2(socket, STDOUT_FILENO) < 0) _exit(126);
  if (change_user && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0)) {
    _exit(126);
  }
  execl(BPMP_TEST_GUEST, BPMP_TEST_GUEST, nullptr);
  _exit(127);
}

}  // namespace

ChildGuest::ChildGuest(std::optional<uid_t> user) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) std::abort();
  socket_ = service::UniqueFd(pair[0]);
  const service::UniqueFd theirs(pair[1]);
  pid_ = fork();
  if (pid_ == 0) Become(theirs.get(), user.value_or(0), user.has_value());
  if (pid_ < 0) std::abort();
}

ChildGuest::~ChildGuest() { Kill(); }

std::string ChildGuest::Ask(const std::string& command) {
  const std::string line = command + "\n";
  if (send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return "";
  std::string answer;
  char c = 0;
  while (recv(socket_.get(), &c, 1, 0) == 1) {
    if (c == '\n') return answer;
    answer.push_back(c);
  }
  return "";
}

void ChildGuest::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace bpmp::testing
