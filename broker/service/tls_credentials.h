// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_TLS_CREDENTIALS_H_
#define BROKER_SERVICE_TLS_CREDENTIALS_H_

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bpmp/v1/config.pb.h"

namespace bpmp::service {

// Mutual TLS, at least 1.2, with ciphers that authenticate what they encrypt: a client without a
// certificate of `config.client_ca` doesn't get past the handshake. Reads the PEM files; errors
// name the file.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MutualTls(const v1::TlsConfig& config);

// The DNS names among the subject alternative names of a client's certificate.
std::vector<std::string> CertificateNames(const grpc::AuthContext& context);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_TLS_CREDENTIALS_H_
