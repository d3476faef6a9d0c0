// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_CONNECTION_LEASES_H_
#define BROKER_SERVICE_CONNECTION_LEASES_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "broker/backend/engine.h"
#include "broker/base/mutex.h"
#include "broker/service/acceptor.h"
#include "broker/service/unix_socket.h"

namespace bpmp::service {

// The leases of the Unix connections that one gRPC server was given (LEASE_CONNECTION). A
// connection has at most one, made when it first asks. It ends when the other side has closed the
// connection, by whichever end of whichever process: a descriptor of our own to the same socket
// sees that (docs/adr/2026-11-25-lease-connection.md). Thread-safe.
class ConnectionLeases : public std::enable_shared_from_this<ConnectionLeases> {
 public:
  // Not owned; outlive it.
  ConnectionLeases(backend::Engine* engine, Acceptor* acceptor)
      : engine_(engine), acceptor_(acceptor) {}
  ~ConnectionLeases();  // Abandon()
  ConnectionLeases(const ConnectionLeases&) = delete;
  ConnectionLeases& operator=(const ConnectionLeases&) = delete;

  // The connection `fd` is about to be given to the server.
  void Accepted(int fd) ABSL_LOCKS_EXCLUDED(mutex_);
  // The lease of the connection that a call with this peer() came on. Unavailable when it has
  // ended.
  absl::StatusOr<backend::LeaseId> LeaseOf(std::string_view peer) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all leases: the connections are gone, or about to be.
  void EndAll() ABSL_LOCKS_EXCLUDED(mutex_);
  // Forgets all leases without ending them, and makes no more: whose votes they are, is decided
  // elsewhere. Not from a callback of the acceptor, unless no connection has a lease.
  void Abandon() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Connection {
    ino_t socket = 0;  // tells it from an older one with the same descriptor
    UniqueFd own;      // to the same socket, once there is a lease
    backend::LeaseId lease = backend::kNoLease;
    Acceptor::WatchId watch = 0;
  };

  void OnClosed(int fd, backend::LeaseId lease) ABSL_LOCKS_EXCLUDED(mutex_);

  backend::Engine* const engine_;
  Acceptor* const acceptor_;

  Mutex mutex_;
  std::map<int, Connection> connections_ ABSL_GUARDED_BY(mutex_);  // by gRPC's descriptor
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_CONNECTION_LEASES_H_
