// SPDX-License-Identifier: Apache-2.0
#include "broker/service/tls_server.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/service/server_common.h"

namespace bpmp::service {
namespace {

absl::StatusOr<std::string> ReadPem(const std::string& path, const char* what) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || text.empty()) {
    return absl::NotFoundError(absl::StrCat("can't read ", what, " '", path, "'"));
  }
  return text;
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(const v1::TlsConfig& config) {
  BPMP_ASSIGN_OR_RETURN(std::string certificate, ReadPem(config.certificate(), "tls.certificate"));
  BPMP_ASSIGN_OR_RETURN(std::string key, ReadPem(config.key(), "tls.key"));
  // gRPC's default versions and ciphers are those wanted: TLS 1.2 and 1.3, AEAD only.
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  BPMP_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(config.client_ca(), "tls.client_ca"));
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  return grpc::SslServerCredentials(options);
}

// Who the client of a call is, by its certificate.
CallerOf CertificateCaller(const VmRegistry* registry) {
  return [registry](const grpc::CallbackServerContext& context) -> absl::StatusOr<Caller> {
    std::string names;
    for (const grpc::string_ref& name :
         context.auth_context()->FindPropertyValues(GRPC_PEER_DNS_PROPERTY_NAME)) {
      const std::string text(name.data(), name.size());
      if (auto endpoint = registry->FindByCertificate(text)) {
        return Caller{std::move(endpoint), Peer::Remote(text)};
      }
      absl::StrAppend(&names, names.empty() ? "" : ", ", text);
    }
    return absl::UnauthenticatedError(
        names.empty() ? "the client's certificate has no DNS name among its alternative names"
                      : absl::StrCat("no VM has a certificate name of the client's: ", names));
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
  BPMP_ASSIGN_OR_RETURN(auto credentials, Credentials(config));
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
