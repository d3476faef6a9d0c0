// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_ADMIN_SERVER_H_
#define BROKER_SERVICE_ADMIN_SERVER_H_

#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bpmp/v1/config.pb.h"
#include "broker/base/mutex.h"
#include "broker/service/acceptor.h"
#include "broker/service/admin_service.h"
#include "broker/service/unix_socket.h"

namespace bpmp::service {

// The admin API: bpmp.v1.Admin, health and reflection, on a Unix socket and, where the
// configuration says so, on a TCP address of its own with mutual TLS.
//
// On the socket, the file decides who may connect: the broker's own user (mode 0600), or also a
// group (mode 0660). Besides, nobody may who is in a systemd unit that some VM's `peer.unit` names:
// hosts that run all VMMs under one uid, and be it the broker's, have only their units to tell them
// from an administrator. A process whose control group can't be read, as one outside the broker's
// pid namespace, may therefore not have the user of such a VM's processes. Who is refused is
// disconnected; why is an event.
// Over TLS, the client's certificate decides: `tls.admin_name` must be among its DNS names,
// whatever is called; who has another certificate gets UNAUTHENTICATED. Thread-safe.
//
// Health has "" and "bpmp.v1.Admin", serving while the server runs; "bpmp.v1.Guest", serving while
// the VMs' sockets do; and "backend", as SetBackendHealthy says. They start as not serving, but for
// the first two.
class AdminServer {
 public:
  // Listens on `config.socket`. `acceptor` and what `deps` names are not owned and outlive the
  // server; `events` is closed by Shutdown(), so that watchers go home.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const v1::AdminConfig& config,
                                                            const AdminDeps& deps, ServerInfo info,
                                                            Acceptor* acceptor);
  // Serves administrators on `tls.admin_listen` too. Once, before anything else is called. Errors
  // name the file or the address.
  absl::Status ListenTls(const v1::TlsConfig& tls);
  // Shutdown() at once.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  void SetGuestServing(bool serving) { SetHealth("bpmp.v1.Guest", serving); }
  void SetBackendHealthy(bool healthy);

  // Takes no more calls, lets those that run finish for at most `grace`, removes the socket file.
  // Idempotent.
  void Shutdown(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls of WaitReleased that wait.
  size_t release_waits() const { return service_.waits(); }

  const std::string& socket() const { return path_; }
  // Chosen by the kernel where the configuration says 0; 0 without TLS.
  int tls_port() const { return tls_port_; }

 private:
  AdminServer(const AdminDeps& deps, ServerInfo info, Acceptor* acceptor, UnixSocket socket);
  void SetHealth(std::string_view service, bool serving);
  // In the acceptor's thread.
  void OnConnection(UniqueFd connection);

  Acceptor* const acceptor_;
  EventLog* const events_;
  const VmRegistry* const vms_;
  const std::string path_;
  const std::shared_ptr<ConnectionLeases> leases_;
  AdminService service_;
  std::unique_ptr<grpc::Server> server_;      // never null after Start()
  std::unique_ptr<grpc::Server> tls_server_;  // null without TLS
  int tls_port_ = 0;

  Mutex mutex_;
  UnixSocket socket_ ABSL_GUARDED_BY(mutex_);
  Acceptor::WatchId watch_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_ADMIN_SERVER_H_
