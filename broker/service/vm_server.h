// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_VM_SERVER_H_
#define BROKER_SERVICE_VM_SERVER_H_

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/base/mutex.h"
#include "broker/service/acceptor.h"
#include "broker/service/caller.h"
#include "broker/service/peer.h"
#include "broker/service/reaper.h"
#include "broker/service/session_reactor.h"
#include "broker/service/unix_socket.h"

namespace bpmp::service {

// The socket of one VM, and the gRPC servers behind it.
//
// Whoever connects is looked at before it is heard: user, unit (peer.h), and that it doesn't hoard
// connections. Each process then gets a server of its own, without a port, whose services were made
// for this VM and this process: what arrives there is theirs, and no message or address is needed,
// or could pretend otherwise. All connections of a process share its server; it goes when the
// process is gone (docs/adr/2026-11-22-connection-identity.md).
//
// Thread-safe.
class VmServer : public std::enable_shared_from_this<VmServer> {
 public:
  // Not owned.
  struct Deps {
    GuestDeps guest;
    Reaper* reaper = nullptr;
    std::string proc_root = "/proc";
  };
  struct Options {
    std::string socket;
    SocketOwner owner;
    PeerRule rule;
    bool hide_ids = false;  // TypedDeps::hides_ids
  };
  // Processes of one VM that may be connected at a time, and connections of all of them.
  static constexpr size_t kMaxProcesses = 16;
  static constexpr size_t kMaxConnections = 64;

  // Makes the socket and listens. Errors are UnixSocket::Listen's.
  static absl::StatusOr<std::shared_ptr<VmServer>> Listen(Deps deps,
                                                          std::shared_ptr<Endpoint> endpoint,
                                                          Options options);
  ~VmServer();
  VmServer(const VmServer&) = delete;
  VmServer& operator=(const VmServer&) = delete;

  // Removes the socket, cuts all connections, forgets the processes. The servers' ends are the
  // reaper's. Not from a callback of the acceptor. Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

  // TypedDeps::hides_ids from now on; for the calls of processes that are connected already, too.
  void SetHidesIds(bool hides) { hides_ids_->store(hides); }

  const std::string& path() const { return options_.socket; }
  const PeerRule& rule() const { return options_.rule; }
  const std::shared_ptr<Endpoint>& endpoint() const { return endpoint_; }

 private:
  // One process and its server.
  class PeerServer;
  // A descriptor that gRPC has, with the number of the socket it was: when they no longer belong
  // together, the connection has ended.
  struct Connection {
    int fd = -1;
    ino_t socket = 0;
  };

  VmServer(Deps deps, std::shared_ptr<Endpoint> endpoint, Options options, UnixSocket socket);

  // In the acceptor's thread.
  void OnConnection(UniqueFd connection) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnGone(const std::shared_ptr<const Peer>& peer) ABSL_LOCKS_EXCLUDED(mutex_);
  void RemoveUnlessConnected(const std::shared_ptr<const Peer>& peer) ABSL_LOCKS_EXCLUDED(mutex_);

  // The server of the peer's process, made if there is none. ResourceExhausted.
  absl::StatusOr<PeerServer*> ServerOf(std::shared_ptr<const Peer> peer)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CountConnection(int fd) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Refuse(const absl::Status& why);
  void Reap(std::unique_ptr<PeerServer> server);

  const Deps deps_;
  const std::shared_ptr<Endpoint> endpoint_;
  const Options options_;
  // Shared with the servers, which the reaper may keep for longer.
  const std::shared_ptr<std::atomic<bool>> hides_ids_;

  mutable Mutex mutex_;
  UnixSocket socket_ ABSL_GUARDED_BY(mutex_);
  Acceptor::WatchId listening_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<PeerServer>> servers_ ABSL_GUARDED_BY(mutex_);
  std::vector<Connection> connections_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_VM_SERVER_H_
