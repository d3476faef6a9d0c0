// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_INSTANCE_LOCK_H_
#define BROKER_DAEMON_INSTANCE_LOCK_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "broker/service/unix_socket.h"

namespace bpmp::daemon {

// The right to be the broker of a runtime directory, for as long as the object or the process
// lives. Movable.
class InstanceLock {
 public:
  // Makes the directory if needed. AlreadyExists when another broker has it; the message names its
  // process. FailedPrecondition when others could swap the sockets in the directory for theirs, or
  // hold the lock file, which is closed to all others.
  static absl::StatusOr<InstanceLock> Take(const std::string& directory);

 private:
  explicit InstanceLock(service::UniqueFd fd) : fd_(std::move(fd)) {}

  service::UniqueFd fd_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_INSTANCE_LOCK_H_
