// SPDX-License-Identifier: Apache-2.0
#include "broker/service/peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "broker/base/read_file.h"
#include "broker/base/string_view.h"

namespace bpmp::service {
namespace {

// Linux 6.5; not in the C library's headers yet.
constexpr int kSoPeerPidFd = 77;
// A line for each hierarchy, with a path in it.
constexpr size_t kMaxCgroups = size_t{256} << 10;

bool Readable(int fd, short events) {  // NOLINT(google-runtime-int): poll(2)'s own type
  pollfd poll_fd{fd, events, 0};
  return poll(&poll_fd, 1, 0) > 0;
}

// A pidfd of the process that connected `fd`.
absl::StatusOr<UniqueFd> OpenPidFd(int fd, pid_t pid) {
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  if (getsockopt(fd, SOL_SOCKET, kSoPeerPidFd, &pidfd, &size) == 0) return UniqueFd(pidfd);
  if (errno == ESRCH || errno == EINVAL) {
    return absl::NotFoundError(absl::StrCat("process ", pid, " has ended"));
  }
  UniqueFd opened(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!opened.valid()) {
    return absl::NotFoundError(absl::StrCat("process ", pid, " has ended"));
  }
  // The number may have gone to another process before it was opened. While the connection is up,
  // its maker hasn't closed it, and so lives, and so still had the number.
  if (Readable(fd, POLLRDHUP) || Readable(opened.get(), POLLIN)) {
    return absl::NotFoundError(absl::StrCat("process ", pid, " has ended"));
  }
  return opened;
}

// Absent for a path that leads out of our control group namespace: what it is in there isn't said.
std::optional<std::string> UnitOfPath(absl::string_view path) {
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == "..") return std::nullopt;
    if (!absl::EndsWith(part, ".slice")) return std::string(part);
  }
  return "";
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Peer>> Peer::OfSocket(int fd) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return absl::ErrnoToStatus(errno, "can't read the peer's credentials");
  }
  std::shared_ptr<Peer> peer(new Peer);
  peer->pid_ = credentials.pid;
  peer->uid_ = credentials.uid;
  peer->gid_ = credentials.gid;
  if (credentials.pid > 0) {
    auto pidfd = OpenPidFd(fd, credentials.pid);
    if (!pidfd.ok()) return pidfd.status();
    peer->pidfd_ = *std::move(pidfd);
  }
  return std::shared_ptr<const Peer>(std::move(peer));
}

std::shared_ptr<const Peer> Peer::Remote(std::string name, std::string_view over) {
  std::shared_ptr<Peer> peer(new Peer);
  peer->name_ = absl::StrCat(name, " over ", ToAbsl(over));
  return peer;
}

bool Peer::Gone() const { return visible() && Readable(pidfd_.get(), POLLIN); }

bool Peer::SameProcessAs(const Peer& other) const {
  if (this == &other) return visible();
  // Two live processes never have one number; of an ended one, the number says nothing.
  return visible() && other.visible() && pid_ == other.pid_ && !Gone() && !other.Gone();
}

std::string Peer::ToString() const {
  if (remote()) return name_;
  if (!visible()) return absl::StrCat("a process outside our namespace, uid ", uid_);
  return absl::StrCat("pid ", pid_, ", uid ", uid_);
}

absl::Status CheckPeer(const Peer& peer, const PeerRule& rule, const std::string& proc_root) {
  if (peer.uid() != 0 && peer.uid() != rule.user) {
    return absl::PermissionDeniedError(
        absl::StrCat("refused ", peer.ToString(), ": expected uid ", rule.user, " or root"));
  }
  if (rule.unit.empty()) return absl::OkStatus();
  const absl::StatusOr<std::string> unit = UnitOfPeer(peer, proc_root);
  if (unit.ok() && *unit == rule.unit) return absl::OkStatus();
  const std::string found = !unit.ok()      ? std::string(unit.status().message())
                            : unit->empty() ? "it is in no unit"
                                            : absl::StrCat("it is in unit ", *unit);
  return absl::PermissionDeniedError(
      absl::StrCat("refused ", peer.ToString(), ": expected unit ", rule.unit, ", but ", found));
}

absl::StatusOr<std::string> UnitOfPeer(const Peer& peer, const std::string& proc_root) {
  if (!peer.visible()) return absl::UnavailableError("its control group can't be seen from here");
  const std::string path = absl::StrCat(proc_root, "/", peer.pid(), "/cgroup");
  std::optional<std::string> unit = UnitOf(ReadFile(path, kMaxCgroups).value_or(""));
  // The file was this process's only if the process still has its number.
  if (peer.Gone()) return absl::NotFoundError("it has ended");
  if (!unit) return absl::UnavailableError(absl::StrCat(path, " can't be read, or doesn't tell"));
  return *std::move(unit);
}

absl::Status CheckAdminPeer(const Peer& peer, const absl::StatusOr<std::string>& unit,
                            const PeerRule& vm) {
  if (vm.unit.empty() || absl::IsNotFound(unit.status())) return absl::OkStatus();
  if (unit.ok()) {
    if (*unit != vm.unit) return absl::OkStatus();
    return absl::PermissionDeniedError(absl::StrCat("refused ", peer.ToString(),
                                                    " at the admin socket: it is in this VM's "
                                                    "unit"));
  }
  // A process of another user isn't the VM's: but for root, it couldn't speak for it.
  if (peer.uid() != vm.user) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "refused ", peer.ToString(), " at the admin socket: ", unit.status().message(),
      ", so that it may be of this VM's unit ", vm.unit,
      "; start bpmpctl where the broker sees its process and control group, use tls.admin_listen, "
      "or give the VM's processes a user of their own (peer.user)"));
}

std::optional<std::string> UnitOf(std::string_view cgroup_file) {
  std::string unified;
  std::string named;
  bool told = false;
  for (absl::string_view line : absl::StrSplit(ToAbsl(cgroup_file), '\n')) {
    // hierarchy:controllers:path
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool is_unified = fields[0] == "0" && fields[1].empty();
    if (!is_unified && fields[1] != "name=systemd") continue;
    std::optional<std::string> unit = UnitOfPath(fields[2]);
    if (!unit) return std::nullopt;
    (is_unified ? unified : named) = *std::move(unit);
    told = true;
  }
  if (!told) return std::nullopt;
  return unified.empty() ? named : unified;
}

}  // namespace bpmp::service
