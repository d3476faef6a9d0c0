// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/endpoint.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "broker/ctl/style.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace bpmp::ctl {
namespace {

constexpr int kMaxAnswer = 64 << 20;

constexpr char kSystemSocket[] = "/run/bpmp-broker/admin.sock";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string GroupName(gid_t gid) {
  const group* entry = ::getgrgid(gid);
  return entry == nullptr ? absl::StrCat(gid) : entry->gr_name;
}

std::string UserName(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry == nullptr ? absl::StrCat(uid) : entry->pw_name;
}

// Whose `path` is and who may use it; for one in a closed folder, the same about that folder.
std::string DiagnosePermission(std::string path) {
  struct stat info;
  while (::stat(path.c_str(), &info) != 0) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) {
      return "permission denied; try as root";
    }
    path.resize(slash);
  }
  std::string text =
      absl::StrFormat("permission denied: %s belongs to %s:%s with mode %04o", path,
                      UserName(info.st_uid), GroupName(info.st_gid), info.st_mode & 07777);
  const bool group_may = (info.st_mode & S_IRWXG) != 0;
  absl::StrAppend(&text, group_may ? absl::StrCat("; run as ", UserName(info.st_uid),
                                                  " or join the group ", GroupName(info.st_gid))
                                   : absl::StrCat("; run as ", UserName(info.st_uid),
                                                  " (or set admin.group in the broker's "
                                                  "configuration)"));
  return text;
}

// The broker tells several problems on as many lines.
std::string PrintableLines(const std::string& message) {
  std::vector<std::string> lines = absl::StrSplit(message, '\n', absl::SkipEmpty());
  for (std::string& line : lines) {
    line = Printable(line);
  }
  return absl::StrJoin(lines, "\n  ");
}

}  // namespace

Endpoint AdminEndpoint(const std::string& option) {
  std::string path = option.empty() ? Environment("BPMP_BROKER_ADMIN") : option;
  const std::string runtime = Environment("XDG_RUNTIME_DIR");
  if (path.empty()) {
    const bool system = ::geteuid() == 0 || ::access(kSystemSocket, F_OK) == 0 || runtime.empty();
    path = system ? kSystemSocket : absl::StrCat(runtime, "/bpmp-broker/admin.sock");
  }
  return {path, "the broker"};
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const Endpoint& endpoint) {
  if (endpoint.path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(endpoint.path), " has more than ",
                                                   sizeof(sockaddr_un::sun_path) - 1,
                                                   " letters: too long for a Unix socket"));
  }
  grpc::ChannelArguments arguments;
  // Another gRPC client in this process must not share the connection: identity is the socket's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A lease lasts as long as the connection, with however little to say.
  arguments.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, INT_MAX);
  // Who looks on while the broker restarts sees it soon, however long that took.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // What changes for a thousand VMs is more than gRPC's 4 MiB, and the broker has done it by then.
  arguments.SetMaxReceiveMessageSize(kMaxAnswer);
  return grpc::CreateCustomChannel(absl::StrCat("unix:", endpoint.path),
                                   grpc::InsecureChannelCredentials(), arguments);
}

std::string DiagnoseSocket(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) {
    return "the path is too long for a Unix socket";
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return std::strerror(errno);
  }
  const int error =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  ::close(fd);
  switch (error) {
    case 0:
      return "";
    case ENOENT:
      return "no such file; is bpmp-broker running? (systemctl status bpmp-broker; another socket: "
             "--socket PATH or $BPMP_BROKER_ADMIN)";
    case ECONNREFUSED:
      return "nobody listens; bpmp-broker has ended and left its socket behind (systemctl start "
             "bpmp-broker)";
    case EACCES:
    case EPERM:
      return DiagnosePermission(path);
    default:
      return std::strerror(error);
  }
}

absl::Status ExplainFailure(const grpc::Status& status, const Endpoint& endpoint,
                            absl::Duration timeout) {
  const std::string message = PrintableLines(status.error_message());
  const std::string at = absl::StrCat(endpoint.what, " at ", endpoint.path);
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return absl::OkStatus();
    case grpc::StatusCode::CANCELLED:  // what a server that stops says of calls that it has
      return absl::UnavailableError(absl::StrCat(
          at, " stopped before it answered; is it coming back? (systemctl status bpmp-broker)"));
    case grpc::StatusCode::UNAVAILABLE: {
      const std::string why = DiagnoseSocket(endpoint.path);
      return absl::UnavailableError(why.empty()
                                        ? absl::StrCat(at, " closed the connection: ", message,
                                                       "; its log says why, if it refused you "
                                                       "(journalctl -u bpmp-broker)")
                                        : absl::StrCat("can't reach ", at, ": ", why));
    }
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          absl::StrCat("no answer from ", at, " within ", absl::FormatDuration(timeout),
                       "; a longer time: --timeout 30s; whether it runs: systemctl status "
                       "bpmp-broker"));
    case grpc::StatusCode::NOT_FOUND:
      return absl::NotFoundError(message);
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnknownError(absl::StrCat(
          at, " doesn't know this request (not the right socket, or another version): ", message));
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::ABORTED:
      return absl::FailedPreconditionError(message);
    default:
      return absl::UnknownError(absl::StrCat(at, " failed: ", message));
  }
}

}  // namespace bpmp::ctl
