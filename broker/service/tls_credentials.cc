// SPDX-License-Identifier: Apache-2.0
#include "broker/service/tls_credentials.h"

#include <grpc/grpc_security_constants.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/base/read_file.h"
#include "broker/base/status_macros.h"

namespace bpmp::service {
namespace {

// A bundle of all the world's authorities is a quarter of it.
constexpr size_t kMaxPem = size_t{1} << 20;

absl::StatusOr<std::string> ReadPem(const std::string& path, const char* what) {
  absl::StatusOr<std::string> text = ReadFile(path, kMaxPem);
  if (!text.ok() || text->empty() || text->size() > kMaxPem) {
    return absl::NotFoundError(absl::StrCat("can't read ", what, " '", path, "'"));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MutualTls(const v1::TlsConfig& config) {
  BPMP_ASSIGN_OR_RETURN(std::string certificate, ReadPem(config.certificate(), "tls.certificate"));
  BPMP_ASSIGN_OR_RETURN(std::string key, ReadPem(config.key(), "tls.key"));
  // gRPC's default versions and ciphers are those wanted: TLS 1.2 and 1.3, AEAD only.
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  BPMP_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(config.client_ca(), "tls.client_ca"));
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  return grpc::SslServerCredentials(options);
}

std::vector<std::string> CertificateNames(const grpc::AuthContext& context) {
  std::vector<std::string> names;
  for (const grpc::string_ref& name : context.FindPropertyValues(GRPC_PEER_DNS_PROPERTY_NAME)) {
    names.emplace_back(name.data(), name.size());
  }
  return names;
}

}  // namespace bpmp::service
