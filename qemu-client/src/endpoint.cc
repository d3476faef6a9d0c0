// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/endpoint.h"

#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "qemu-client/src/error_text.h"

namespace bpmp::client {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kDns = "dns:";
// How long a TCP connection may take. A broker that is slow to answer after that isn't connected to
// anew.
constexpr int kConnectMs = 5000;

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  // A connection of this client alone: its end is the session's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // A channel serves one attempt; the pauses between attempts are the client's.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  return arguments;
}

std::shared_ptr<grpc::Channel> ChannelOf(int fd) {
  return grpc::CreateCustomInsecureChannelFromFd("bpmp-broker", fd, Arguments());
}

class UnixEndpoint final : public Endpoint {
 public:
  explicit UnixEndpoint(std::string path)
      : path_(std::move(path)), name_(absl::StrCat("unix:", path_)) {}

  std::shared_ptr<grpc::Channel> Connect(Failure* failure) override {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // Not blocking: where a broker hangs and its backlog is full, it is tried again later.
    if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      const int error = errno;
      if (fd >= 0) close(fd);
      failure->status = error == EAGAIN ? -ETIMEDOUT : -error;
      failure->text = absl::StrCat("can't connect to ", path_, ": ", ErrnoText(error));
      return nullptr;
    }
    return ChannelOf(fd);
  }
  bool reconnects() const override { return true; }
  bool remote() const override { return false; }
  const std::string& name() const override { return name_; }

 private:
  const std::string path_;
  const std::string name_;
};

class DescriptorEndpoint final : public Endpoint {
 public:
  // A duplicate, so that the caller still has its own where nothing comes of this.
  explicit DescriptorEndpoint(int duplicate) : fd_(duplicate) {}
  ~DescriptorEndpoint() override {
    if (fd_ >= 0) close(fd_);
  }

  std::shared_ptr<grpc::Channel> Connect(Failure* failure) override {
    if (fd_ < 0) {
      *failure = {-ENOTCONN, "the connection that was given as a descriptor is lost"};
      return nullptr;
    }
    return ChannelOf(std::exchange(fd_, -1));
  }
  bool reconnects() const override { return false; }
  bool remote() const override { return false; }
  const std::string& name() const override { return name_; }

 private:
  int fd_;
  const std::string name_ = "the given descriptor";
};

class TlsEndpoint final : public Endpoint {
 public:
  TlsEndpoint(std::string target, std::string directory, std::string server_name)
      : target_(std::move(target)),
        directory_(std::move(directory)),
        server_name_(std::move(server_name)) {}

  bool Load(Failure* failure) {
    grpc::SslCredentialsOptions options;
    const bool loaded = Read("ca-cert.pem", &options.pem_root_certs, failure) &&
                        Read("client-cert.pem", &options.pem_cert_chain, failure) &&
                        Read("client-key.pem", &options.pem_private_key, failure);
    if (loaded) options_ = std::move(options);
    return loaded;
  }

  std::shared_ptr<grpc::Channel> Connect(Failure*) override {
    // A certificate that was renewed is used, if it can still be read: a VMM may have given up the
    // rights for that.
    Failure ignored;
    Load(&ignored);
    grpc::ChannelArguments arguments = Arguments();
    if (!server_name_.empty()) arguments.SetSslTargetNameOverride(server_name_);
    return grpc::CreateCustomChannel(target_, grpc::SslCredentials(options_), arguments);
  }
  bool reconnects() const override { return true; }
  bool remote() const override { return true; }
  const std::string& name() const override { return target_; }

 private:
  bool Read(const char* file, std::string* text, Failure* failure) {
    const std::string path = absl::StrCat(directory_, "/", file);
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
      const int error = errno;
      *failure = {-error, absl::StrCat("can't read ", path, ": ", ErrnoText(error))};
      return false;
    }
    text->assign(std::istreambuf_iterator<char>(stream), {});
    if (!text->empty()) return true;
    *failure = {-EINVAL, absl::StrCat(path, " is empty")};
    return false;
  }

  const std::string target_;
  const std::string directory_;
  const std::string server_name_;
  grpc::SslCredentialsOptions options_;
};

std::unique_ptr<Endpoint> Invalid(Failure* failure, std::string text) {
  *failure = {-EINVAL, std::move(text)};
  return nullptr;
}

std::unique_ptr<Endpoint> MakeDescriptor(int fd, Failure* failure) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
    return Invalid(failure,
                   absl::StrCat("descriptor ", fd, " is no connected socket: ", ErrnoText(errno)));
  }
  if (peer.ss_family != AF_UNIX) {
    return Invalid(failure, absl::StrCat("descriptor ", fd, " is no Unix socket"));
  }
  const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate >= 0) return std::make_unique<DescriptorEndpoint>(duplicate);
  const int error = errno;
  *failure = {-error, absl::StrCat("can't duplicate descriptor ", fd, ": ", ErrnoText(error))};
  return nullptr;
}

std::unique_ptr<Endpoint> MakeTls(const bpmp_client_config& config, Failure* failure) {
  if (config.tls_creds_dir == nullptr) {
    return Invalid(failure, absl::StrCat(config.broker, " needs a directory with TLS credentials"));
  }
  auto endpoint = std::make_unique<TlsEndpoint>(
      config.broker, config.tls_creds_dir,
      config.tls_server_name != nullptr ? config.tls_server_name : "");
  if (!endpoint->Load(failure)) return nullptr;
  return endpoint;
}

}  // namespace

std::unique_ptr<Endpoint> Endpoint::Make(const bpmp_client_config& config, Failure* failure) {
  const std::string_view broker = config.broker != nullptr ? config.broker : "";
  const bool tls = broker.substr(0, kDns.size()) == kDns;
  if (config.fd >= 0 && !broker.empty()) {
    return Invalid(failure, "both an address and a descriptor of the broker are given");
  }
  if (config.fd < 0 && broker.empty()) {
    return Invalid(failure, "neither an address nor a descriptor of the broker is given");
  }
  if (!tls && (config.tls_creds_dir != nullptr || config.tls_server_name != nullptr)) {
    return Invalid(failure, "TLS credentials are only for brokers at dns:///HOST:PORT");
  }
  if (config.fd >= 0) return MakeDescriptor(config.fd, failure);
  if (tls) return MakeTls(config, failure);
  std::string path(broker.substr(std::min(kUnix.size(), broker.size())));
  // gRPC's other way to write an absolute path.
  if (path.compare(0, 3, "///") == 0) path.erase(0, 2);
  if (broker.substr(0, kUnix.size()) != kUnix || path.empty()) {
    return Invalid(
        failure, absl::StrCat("'", broker.data(), "' is neither unix:/PATH nor dns:///HOST:PORT"));
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Invalid(failure, absl::StrCat(path, " is too long for a socket's path"));
  }
  return std::make_unique<UnixEndpoint>(std::move(path));
}

}  // namespace bpmp::client
