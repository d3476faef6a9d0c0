// SPDX-License-Identifier: Apache-2.0
#include "broker/service/tls_server.h"

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

}  // namespace

TlsServer::TlsServer(const GuestDeps& deps, const VmRegistry* registry)
    : guest_(deps, CertificateCaller(registry)),
      typed_(TypedDeps{deps.engine, deps.acceptor, CertificateCaller(registry),
                       [registry](VmId vm) { return registry->HidesIds(vm); }}) {}

absl::StatusOr<std::unique_ptr<TlsServer>> TlsServer::Listen(const v1::TlsConfig& config,
                                                             const GuestDeps& deps,
                                                             const VmRegistry* registry) {
  BPMP_ASSIGN_OR_RETURN(auto credentials, MutualTls(config));
  std::unique_ptr<TlsServer> made(new TlsServer(deps, registry));
  grpc::ServerBuilder builder;
  ConfigureGuestServer(&builder);
  // Two brokers on one port would each get some of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(config.listen(), std::move(credentials), &made->port_);
  builder.RegisterService(&made->guest_);
  made->typed_.RegisterOn(&builder);
  made->server_ = builder.BuildAndStart();
  if (made->server_ == nullptr || made->port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("can't listen on ", config.listen(),
                     " (tls.listen): is the port in use, or are the certificate and key no pair?"));
  }
  SetServing(made->server_.get(), kGuestServices, true);
  return made;
}

TlsServer::~TlsServer() { Shutdown(absl::ZeroDuration()); }

void TlsServer::Shutdown(absl::Duration grace) {
  if (server_ == nullptr) return;
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server_->Wait();
  server_ = nullptr;
}

}  // namespace bpmp::service
