// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_REMOTE_SERVER_H_
#define BROKER_SERVICE_REMOTE_SERVER_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bpmp/v1/config.pb.h"
#include "broker/service/guest_service.h"
#include "broker/service/typed_services.h"
#include "broker/service/vm_registry.h"

namespace bpmp::service {

// The services of a VM over TCP. A client's process can't be watched, so a lost session has the
// VM's grace time.
class RemoteServer {
 public:
  // For VMs on other machines: mutual TLS (tls_credentials.h). Which VM speaks is what the client's
  // certificate says: a DNS name among its subject alternative names that is the `certificate_name`
  // of one VM. Without such a name a call ends with UNAUTHENTICATED.
  //
  // Reads the PEM files and listens. Nothing passed by pointer is owned; all outlives the server.
  // Errors name the file or the address.
  static absl::StatusOr<std::unique_ptr<RemoteServer>> ListenTls(const v1::TlsConfig& config,
                                                                 const GuestDeps& deps,
                                                                 const VmRegistry* registry);
  // For development on one machine: plain TCP, and whoever connects speaks for the VM, unchecked.
  // The VM is the one that `registry` has now; when it is deleted, calls end with
  // FAILED_PRECONDITION, whatever VM gets its name later. NotFound when there is none. REQUIRES:
  // the address is one of the loopback interface.
  static absl::StatusOr<std::unique_ptr<RemoteServer>> ListenInsecure(
      const v1::InsecureTcpConfig& config, const GuestDeps& deps, const VmRegistry* registry);
  ~RemoteServer();
  RemoteServer(const RemoteServer&) = delete;
  RemoteServer& operator=(const RemoteServer&) = delete;

  int port() const { return port_; }  // chosen by the kernel where the configuration says 0
  // Calls get at most `grace` to end. Idempotent.
  void Shutdown(absl::Duration grace);

 private:
  RemoteServer(const GuestDeps& deps, const VmRegistry* registry, const CallerOf& caller_of);
  // False: gRPC could not.
  bool Listen(const std::string& address, std::shared_ptr<grpc::ServerCredentials> credentials);

  GuestService guest_;
  TypedServices typed_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_REMOTE_SERVER_H_
