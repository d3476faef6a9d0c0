// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_PEER_H_
#define BROKER_SERVICE_PEER_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/service/unix_socket.h"

namespace bpmp::service {

// The process at the other end of a connection. A process is held by a pidfd, so that a number
// which the kernel gives to another process later is never mistaken for it. Immutable; safe from
// any thread.
class Peer {
 public:
  // The process that connected the Unix socket `fd`, as the kernel knows it (SO_PEERCRED): of a
  // descriptor that was passed on, the one that connected it. NotFound when it is gone already.
  static absl::StatusOr<std::shared_ptr<const Peer>> OfSocket(int fd);
  // A peer whose process can't be seen: on another machine. `name` is what its certificate says,
  // `over` how it comes.
  static std::shared_ptr<const Peer> Remote(std::string name, std::string_view over = "TLS");

  // False: the process is outside our pid namespace or on another machine. Whether it lives is then
  // known by its connection alone.
  bool visible() const { return pidfd_.valid(); }
  pid_t pid() const { return pid_; }  // 0 when not visible
  uid_t uid() const { return uid_; }
  gid_t gid() const { return gid_; }
  bool remote() const { return !name_.empty(); }
  int pidfd() const { return pidfd_.get(); }  // readable once the process has ended

  // True once the process has ended. Always false when it isn't visible.
  bool Gone() const;
  // Both are visible, and one and the same process.
  bool SameProcessAs(const Peer& other) const;
  // "pid 4711, uid 64055"; "vm-a over TLS".
  std::string ToString() const;

 private:
  Peer() = default;

  pid_t pid_ = 0;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  UniqueFd pidfd_;
  std::string name_;  // of a remote one, and how it comes
};

// Who may connect to a VM's socket, besides what the file's mode allows.
struct PeerRule {
  uid_t user = 0;    // root may always
  std::string unit;  // systemd unit that the process must be in; empty: not checked
};

// Whether `peer` may speak for the VM of the rule. PermissionDenied says who was refused, what was
// found and what was expected.
absl::Status CheckPeer(const Peer& peer, const PeerRule& rule,
                       const std::string& proc_root = "/proc");

// The systemd unit of the process, read from `proc_root`/<pid>/cgroup while it lives; empty for one
// that is in none. NotFound when the process has ended, Unavailable when its control group can't be
// told: the message is a clause that says why ("/proc/4711/cgroup can't be read").
absl::StatusOr<std::string> UnitOfPeer(const Peer& peer, const std::string& proc_root = "/proc");

// An administrator must not be a VM's process, and a VM's process is one in the unit of its rule.
// What speaks against a peer of the admin socket whose unit is `unit` (UnitOfPeer), given one VM's
// rule: PermissionDenied says what, and what to do. A peer whose unit can't be told is taken for
// the VM's if it has the user of the VM's processes; one that has ended is no danger.
absl::Status CheckAdminPeer(const Peer& peer, const absl::StatusOr<std::string>& unit,
                            const PeerRule& vm);

// The systemd unit that a /proc/<pid>/cgroup file says, as systemd reads it: the first part of the
// path that is no slice. What a unit names its own groups further down doesn't count, because a
// user's service manager may give any name there. Of the version 2 hierarchy, or systemd's own of
// version 1 where the former says nothing. Empty when the process is in no unit; absent when the
// file says nothing of either, or names a group that is outside our control group namespace.
std::optional<std::string> UnitOf(std::string_view cgroup_file);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_PEER_H_
