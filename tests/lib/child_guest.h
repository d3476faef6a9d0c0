// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_CHILD_GUEST_H_
#define TESTS_LIB_CHILD_GUEST_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "broker/service/unix_socket.h"

namespace bpmp::testing {

// A VM's client in a process of its own (test_guest.cc), for what only processes can show: users,
// control groups, and deaths. Talks with it in lines, one answer for each command:
//
//   hello SOCKET [RESUME]   connects, opens a session        welcome ID | error CODE TEXT
//   enable CLOCK            sends CLK ENABLE in the session  answer ERROR
//   lease SOCKET CLOCK      sends CLK ENABLE with a lease on
//                           a connection of its own          answer ERROR | error CODE
//   drop                    cuts the session off             dropped
class ChildGuest {
 public:
  // Starts it, as `user` if given, without connecting yet. Fails the process when it can't.
  explicit ChildGuest(std::optional<uid_t> user = std::nullopt);
  // Kill().
  ~ChildGuest();
  ChildGuest(const ChildGuest&) = delete;
  ChildGuest& operator=(const ChildGuest&) = delete;

  // Sends a command, returns the answer; empty when the process has ended.
  std::string Ask(const std::string& command);
  // By SIGKILL, and waits until it is gone. Idempotent.
  void Kill();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  service::UniqueFd socket_;
};

}  // namespace bpmp::testing

#endif  // TESTS_LIB_CHILD_GUEST_H_
