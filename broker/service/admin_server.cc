// SPDX-License-Identifier: Apache-2.0
#include "broker/service/admin_server.h"

#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/service/server_common.h"

namespace bpmp::service {

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const v1::AdminConfig& config,
                                                                const AdminDeps& deps,
                                                                ServerInfo info,
                                                                Acceptor* acceptor) {
  SocketOwner owner;
  owner.mode = 0600;
  if (!config.group().empty()) {
    BPMP_ASSIGN_OR_RETURN(owner.group, FindGroup(config.group()));
    owner.mode = 0660;
  }
  BPMP_ASSIGN_OR_RETURN(UnixSocket socket, UnixSocket::Listen(config.socket(), owner));
  auto server = std::unique_ptr<AdminServer>(
      new AdminServer(deps, std::move(info), acceptor, std::move(socket)));
  if (server->server_ == nullptr) {
    return absl::InternalError(absl::StrCat("gRPC made no server for ", config.socket()));
  }
  return server;
}

AdminServer::AdminServer(const AdminDeps& deps, ServerInfo info, Acceptor* acceptor,
                         UnixSocket socket)
    : acceptor_(acceptor),
      events_(deps.events),
      path_(socket.path()),
      service_(deps, std::move(info)),
      socket_(std::move(socket)) {
  grpc::ServerBuilder builder;
  ConfigureAdminServer(&builder);
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return;
  SetServing(server_.get(), {"", "bpmp.v1.Admin"}, true);
  SetServing(server_.get(), {"bpmp.v1.Guest", "backend"}, false);
  MutexLock lock(&mutex_);
  watch_ = acceptor_->Listen(socket_.fd(), [server = server_.get()](UniqueFd connection) {
    grpc::AddInsecureChannelFromFd(server, connection.release());
  });
}

AdminServer::~AdminServer() {
  if (server_ != nullptr) Shutdown(absl::ZeroDuration());
}

void AdminServer::SetHealth(std::string_view service, bool serving) {
  SetServing(server_.get(), {service}, serving);
}

void AdminServer::SetBackendHealthy(bool healthy) {
  service_.SetBackendHealthy(healthy);
  SetHealth("backend", healthy);
}

void AdminServer::Shutdown(absl::Duration grace) {
  Acceptor::WatchId watch = 0;
  {
    MutexLock lock(&mutex_);
    if (std::exchange(stopped_, true)) return;
    watch = watch_;
  }
  acceptor_->Forget(watch);
  {
    MutexLock lock(&mutex_);
    socket_.Close();
  }
  events_->Close();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
}

}  // namespace bpmp::service
