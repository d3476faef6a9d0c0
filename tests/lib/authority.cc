// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/authority.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace bpmp::testing {
namespace {

// c-ares leaks some bytes of its own on first use, which LeakSanitizer would hold against these
// tests; the system's resolver doesn't. Set before anything in the program touches gRPC.
[[maybe_unused]] const int kResolverIsSet = setenv("GRPC_DNS_RESOLVER", "native", 0);

}  // namespace

Authority::Authority() {
  char name[] = "/tmp/bpmp-ca-XXXXXX";
  directory_ = mkdtemp(name);
  made_ =
      Run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
          "-subj /CN=test-ca -keyout ca.key -out ca.pem");
}

Authority::~Authority() { std::filesystem::remove_all(directory_); }

bool Authority::Sign(const std::string& file, const std::string& dns) {
  std::ofstream(Path(file + ".ext")) << "subjectAltName=DNS:" << dns << "\n";
  return Run(absl::StrCat("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x ",
                          "-keyout ", file, ".key -out ", file, ".csr")) &&
         Run(absl::StrCat("x509 -req -days 2 -in ", file, ".csr -CA ca.pem -CAkey ca.key ",
                          "-CAcreateserial -extfile ", file, ".ext -out ", file, ".pem"));
}

std::string Authority::TlsConfig(const std::string& certificate) const {
  return absl::StrCat("certificate: '", Path(certificate + ".pem"), "' key: '",
                      Path(certificate + ".key"), "' client_ca: '", Path("ca.pem"), "'");
}

std::shared_ptr<grpc::Channel> Authority::Connect(int port, const std::string& certificate) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = Read("ca.pem");
  if (!certificate.empty()) {
    options.pem_private_key = Read(certificate + ".key");
    options.pem_cert_chain = Read(certificate + ".pem");
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(absl::StrCat("localhost:", port), grpc::SslCredentials(options),
                                   arguments);
}

std::string Authority::Read(const std::string& file) const {
  std::ifstream stream(Path(file));
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool Authority::Run(const std::string& arguments) const {
  const std::string command =
      absl::StrCat("cd ", directory_, " && openssl ", arguments, " >/dev/null 2>&1");
  return std::system(command.c_str()) == 0;
}

}  // namespace bpmp::testing
