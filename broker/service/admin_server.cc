// SPDX-License-Identifier: Apache-2.0
#include "broker/service/admin_server.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/service/peer.h"
#include "broker/service/server_common.h"
#include "broker/service/status.h"
#include "broker/service/tls_credentials.h"

namespace bpmp::service {
namespace {

// Lets in whose certificate has the administrators' name.
class AdminsOnly final : public grpc::AuthMetadataProcessor {
 public:
  explicit AdminsOnly(std::string name) : name_(std::move(name)) {}

  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& /*metadata*/, grpc::AuthContext* context,
                       OutputMetadata* /*consumed*/, OutputMetadata* /*response*/) override {
    const std::vector<std::string> names = CertificateNames(*context);
    if (absl::c_linear_search(names, name_)) return grpc::Status::OK;
    return ToGrpc(absl::UnauthenticatedError("the client's certificate isn't an administrator's"));
  }

 private:
  const std::string name_;
};

}  // namespace

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
      vms_(deps.vms),
      path_(socket.path()),
      leases_(std::make_shared<ConnectionLeases>(deps.engine, acceptor)),
      service_(deps, std::move(info), leases_),
      socket_(std::move(socket)) {
  grpc::ServerBuilder builder;
  ConfigureAdminServer(&builder);
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return;
  SetServing(server_.get(), {"", "bpmp.v1.Admin"}, true);
  SetServing(server_.get(), {"bpmp.v1.Guest", "backend"}, false);
  MutexLock lock(&mutex_);
  watch_ = acceptor_->Listen(socket_.fd(),
                             [this](UniqueFd connection) { OnConnection(std::move(connection)); });
}

void AdminServer::OnConnection(UniqueFd connection) {
  const auto peer = Peer::OfSocket(connection.get());
  if (!peer.ok()) return;  // it has gone again
  if (auto refusal = vms_->RefuseAsAdmin(**peer)) {
    events_->Add(event_kind::kSessionRefused, refusal->vm, std::move(refusal->why));
    return;
  }
  // Of one that has gone meanwhile, the unit was not to be known.
  if ((*peer)->Gone()) return;
  leases_->Accepted(connection.get());
  grpc::AddInsecureChannelFromFd(server_.get(), connection.release());
}

absl::Status AdminServer::ListenTls(const v1::TlsConfig& tls) {
  BPMP_ASSIGN_OR_RETURN(const auto credentials, MutualTls(tls));
  credentials->SetAuthMetadataProcessor(std::make_shared<AdminsOnly>(tls.admin_name()));
  grpc::ServerBuilder builder;
  ConfigureAdminServer(&builder);
  // Two brokers on one port would each get some of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(tls.admin_listen(), credentials, &tls_port_);
  builder.RegisterService(&service_);
  tls_server_ = builder.BuildAndStart();
  if (tls_server_ == nullptr || tls_port_ == 0) {
    tls_server_ = nullptr;
    return absl::UnavailableError(absl::StrCat("can't listen on ", tls.admin_listen(),
                                               " (tls.admin_listen): is the port in "
                                               "use, or are the certificate and key no pair?"));
  }
  SetServing(tls_server_.get(), {"", "bpmp.v1.Admin"}, true);
  SetServing(tls_server_.get(), {"bpmp.v1.Guest", "backend"}, false);
  return absl::OkStatus();
}

AdminServer::~AdminServer() {
  if (server_ != nullptr) Shutdown(absl::ZeroDuration());
}

void AdminServer::SetHealth(std::string_view service, bool serving) {
  SetServing(server_.get(), {service}, serving);
  if (tls_server_ != nullptr) SetServing(tls_server_.get(), {service}, serving);
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
  service_.EndWaits();
  leases_->Abandon();  // a broker that stops releases nothing
  const auto deadline = absl::ToChronoTime(absl::Now() + grace);
  if (tls_server_ != nullptr) tls_server_->Shutdown(deadline);
  server_->Shutdown(deadline);
}

}  // namespace bpmp::service
