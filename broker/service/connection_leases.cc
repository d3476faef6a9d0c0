// SPDX-License-Identifier: Apache-2.0
#include "broker/service/connection_leases.h"

#include <fcntl.h>

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "broker/base/string_view.h"
#include "broker/service/caller.h"

namespace bpmp::service {
ConnectionLeases::~ConnectionLeases() { Abandon(); }

void ConnectionLeases::Accepted(int fd) {
  Connection old;
  {
    MutexLock lock(&mutex_);
    old = std::exchange(connections_[fd], Connection{SocketOf(fd), UniqueFd(), {}, 0});
  }
  // gRPC has closed the one that had this number, and its end hasn't been seen yet.
  acceptor_->Forget(old.watch);
  if (old.lease != backend::kNoLease) engine_->EndLease(old.lease);
}

absl::StatusOr<backend::LeaseId> ConnectionLeases::LeaseOf(std::string_view peer) {
  int fd = -1;
  absl::string_view number = ToAbsl(peer);
  if (!absl::ConsumePrefix(&number, "fd:") || !absl::SimpleAtoi(number, &fd)) {
    return absl::InternalError("gRPC doesn't say on which connection the call came");
  }
  const absl::Status ended = absl::UnavailableError("the connection has ended");
  MutexLock lock(&mutex_);
  const auto it = connections_.find(fd);
  if (it == connections_.end() || abandoned_) return ended;
  Connection& connection = it->second;
  if (connection.lease != backend::kNoLease) return connection.lease;
  UniqueFd own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!own.valid() || SocketOf(own.get()) != connection.socket) return ended;
  connection.own = std::move(own);
  connection.lease = engine_->OpenLease();
  connection.watch = acceptor_->WhenClosed(connection.own.get(),
                                           [weak = weak_from_this(), fd, lease = connection.lease] {
                                             if (const auto self = weak.lock()) {
                                               self->OnClosed(fd, lease);
                                             }
                                           });
  return connection.lease;
}

void ConnectionLeases::OnClosed(int fd, backend::LeaseId lease) {
  {
    MutexLock lock(&mutex_);
    const auto it = connections_.find(fd);
    if (it == connections_.end() || it->second.lease != lease) return;
    // gRPC may not have heard all that was sent before; what still comes gets another lease, which
    // ends at once.
    it->second = Connection{it->second.socket, UniqueFd(), {}, 0};
  }
  engine_->EndLease(lease);
}

void ConnectionLeases::EndAll() {
  std::map<int, Connection> connections;
  {
    MutexLock lock(&mutex_);
    abandoned_ = true;
    connections.swap(connections_);
  }
  for (auto& [fd, connection] : connections) {
    acceptor_->Forget(connection.watch);
    if (connection.lease != backend::kNoLease) engine_->EndLease(connection.lease);
  }
}

void ConnectionLeases::Abandon() {
  std::map<int, Connection> connections;
  {
    MutexLock lock(&mutex_);
    abandoned_ = true;
    connections.swap(connections_);
  }
  for (auto& [fd, connection] : connections) acceptor_->Forget(connection.watch);
}

absl::StatusOr<backend::LeaseId> LeaseFor(v1::Lease wanted, ConnectionLeases* leases,
                                          const grpc::CallbackServerContext& context) {
  if (wanted == v1::LEASE_UNSPECIFIED) return backend::kNoLease;
  if (wanted != v1::LEASE_CONNECTION) {
    return absl::InvalidArgumentError("no such lease; LEASE_CONNECTION is the only one");
  }
  if (leases == nullptr) {
    return absl::FailedPreconditionError(
        "LEASE_CONNECTION needs a Unix socket: of a TCP connection the broker doesn't see the end; "
        "a Session does without");
  }
  return leases->LeaseOf(context.peer());
}

}  // namespace bpmp::service
