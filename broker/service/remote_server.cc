// SPDX-License-Identifier: Apache-2.0
#include "broker/service/remote_server.h"

#include <grpcpp/server_builder.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/service/server_common.h"
#include "broker/service/tls_credentials.h"

namespace bpmp::service {
namespace {

// Who the client of a call is, by its certificate.
CallerOf CertificateCaller(const VmRegistry* registry) {
  return [registry](const grpc::CallbackServerContext& context) -> absl::StatusOr<Caller> {
    std::vector<std::string> names = CertificateNames(*context.auth_context());
    for (std::string& name : names) {
      if (auto endpoint = registry->FindByCertificate(name)) {
        return Caller{std::move(endpoint), Peer::Remote(std::move(name))};
      }
    }
    return absl::UnauthenticatedError(
        names.empty() ? "the client's certificate has no DNS name among its alternative names"
                      : absl::StrCat("no VM has a certificate name of the client's: ",
                                     absl::StrJoin(names, ", ")));
  };
}

// One VM, whoever calls, for as long as it is defined. Another one of its name is another VM, which
// nobody opened to the machine.
CallerOf AlwaysCaller(const VmRegistry* registry, std::shared_ptr<Endpoint> vm) {
  return
      [registry, vm = std::move(vm)](const grpc::CallbackServerContext&) -> absl::StatusOr<Caller> {
        if (registry->FindByName(vm->name) == vm) {
          return Caller{vm, Peer::Remote(vm->name, "plain TCP")};
        }
        return absl::FailedPreconditionError(
            absl::StrCat("VM ", vm->name,
                         ", which this address was configured for, is deleted from "
                         "the broker"));
      };
}

}  // namespace

RemoteServer::RemoteServer(const GuestDeps& deps, const VmRegistry* registry,
                           const CallerOf& caller_of)
    : guest_(deps, caller_of),
      typed_(TypedDeps{deps.engine, deps.acceptor, caller_of,
                       [registry](VmId vm) { return registry->HidesIds(vm); }}) {}

absl::StatusOr<std::unique_ptr<RemoteServer>> RemoteServer::ListenTls(const v1::TlsConfig& config,
                                                                      const GuestDeps& deps,
                                                                      const VmRegistry* registry) {
  BPMP_ASSIGN_OR_RETURN(auto credentials, MutualTls(config));
  std::unique_ptr<RemoteServer> made(new RemoteServer(deps, registry, CertificateCaller(registry)));
  if (made->Listen(config.listen(), std::move(credentials))) return made;
  return absl::UnavailableError(
      absl::StrCat("can't listen on ", config.listen(),
                   " (tls.listen): is the port in use, or are the certificate and key no pair?"));
}

absl::StatusOr<std::unique_ptr<RemoteServer>> RemoteServer::ListenInsecure(
    const v1::InsecureTcpConfig& config, const GuestDeps& deps, const VmRegistry* registry) {
  auto vm = registry->FindByName(config.vm());
  if (vm == nullptr) {
    return absl::NotFoundError(absl::StrCat("insecure_tcp: there is no VM ", config.vm()));
  }
  std::unique_ptr<RemoteServer> made(
      new RemoteServer(deps, registry, AlwaysCaller(registry, std::move(vm))));
  if (made->Listen(config.listen(), grpc::InsecureServerCredentials())) return made;
  return absl::UnavailableError(
      absl::StrCat("can't listen on ", config.listen(), " (insecure_tcp): is the port in use?"));
}

bool RemoteServer::Listen(const std::string& address,
                          std::shared_ptr<grpc::ServerCredentials> credentials) {
  grpc::ServerBuilder builder;
  ConfigureGuestServer(&builder);
  // Two brokers on one port would each get some of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(address, std::move(credentials), &port_);
  builder.RegisterService(&guest_);
  typed_.RegisterOn(&builder);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) return false;
  SetServing(server_.get(), kGuestServices, true);
  return true;
}

RemoteServer::~RemoteServer() { Shutdown(absl::ZeroDuration()); }

void RemoteServer::Shutdown(absl::Duration grace) {
  if (server_ == nullptr) return;
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server_->Wait();
  server_ = nullptr;
}

}  // namespace bpmp::service
