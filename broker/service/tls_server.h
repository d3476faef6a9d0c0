// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_TLS_SERVER_H_
#define BROKER_SERVICE_TLS_SERVER_H_

#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bpmp/v1/config.pb.h"
#include "broker/service/guest_service.h"
#include "broker/service/typed_services.h"
#include "broker/service/vm_registry.h"

namespace bpmp::service {

// The services of a VM for VMs on other machines: TCP with mutual TLS, at least 1.2, with ciphers
// that authenticate what they encrypt. Which VM speaks is what the client's certificate says: a DNS
// name among its subject alternative names that is the `certificate_name` of one VM. Without such a
// name a call ends with UNAUTHENTICATED. A client's process can't be watched, so a lost session has
// the VM's grace time.
class TlsServer {
 public:
  // Reads the PEM files and listens. Nothing passed by pointer is owned; all outlives the server.
  // Errors name the file or the address.
  static absl::StatusOr<std::unique_ptr<TlsServer>> Listen(const v1::TlsConfig& config,
                                                           const GuestDeps& deps,
                                                           const VmRegistry* registry);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  int port() const { return port_; }  // chosen by the kernel where the configuration says 0
  // Calls get at most `grace` to end. Idempotent.
  void Shutdown(absl::Duration grace);

 private:
  TlsServer(const GuestDeps& deps, const VmRegistry* registry);

  GuestService guest_;
  TypedServices typed_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_TLS_SERVER_H_
