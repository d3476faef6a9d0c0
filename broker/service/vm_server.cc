// SPDX-License-Identifier: Apache-2.0
#include "broker/service/vm_server.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/service/guest_service.h"
#include "broker/service/server_common.h"
#include "broker/service/typed_services.h"

namespace bpmp::service {
namespace {

// How often a server whose process has ended is looked at while somebody still uses its session.
constexpr absl::Duration kHeirCheck = absl::Seconds(1);
// How long calls may take to notice that their server is going.
constexpr absl::Duration kShutdown = absl::Milliseconds(50);

bool SameClient(const Peer& a, const Peer& b) {
  // Processes that can't be told apart share a server; their sessions are kept apart by what they
  // know (SessionTable).
  if (!a.visible() && !b.visible()) return a.uid() == b.uid();
  return a.SameProcessAs(b);
}

}  // namespace

class VmServer::PeerServer {
 public:
  PeerServer(const GuestDeps& deps, std::shared_ptr<Endpoint> endpoint,
             std::shared_ptr<const Peer> peer, const std::shared_ptr<std::atomic<bool>>& hides_ids)
      : peer_(std::move(peer)),
        leases_(std::make_shared<ConnectionLeases>(deps.engine, deps.acceptor)),
        guest_(deps, CallerIs({endpoint, peer_, leases_})),
        typed_(TypedDeps{deps.engine, deps.acceptor, CallerIs({endpoint, peer_, leases_}),
                         [hides_ids](VmId) { return hides_ids->load(); }}) {
    grpc::ServerBuilder builder;
    ConfigureGuestServer(&builder);
    builder.RegisterService(&guest_);
    typed_.RegisterOn(&builder);
    server_ = builder.BuildAndStart();
    if (server_ != nullptr) SetServing(server_.get(), kGuestServices, true);
  }
  ~PeerServer() {
    if (server_ == nullptr) return;
    server_->Shutdown(absl::ToChronoTime(absl::Now() + kShutdown));
    server_->Wait();
  }

  bool started() const { return server_ != nullptr; }
  const std::shared_ptr<const Peer>& peer() const { return peer_; }
  ConnectionLeases& leases() const { return *leases_; }
  void Serve(UniqueFd connection) {
    leases_->Accepted(connection.get());
    grpc::AddInsecureChannelFromFd(server_.get(), connection.release());
  }

  Acceptor::WatchId watch = 0;  // of the process

 private:
  static CallerOf CallerIs(Caller caller) {
    return [caller = std::move(caller)](
               const grpc::CallbackServerContext&) -> absl::StatusOr<Caller> { return caller; };
  }

  const std::shared_ptr<const Peer> peer_;
  const std::shared_ptr<ConnectionLeases> leases_;
  GuestService guest_;
  TypedServices typed_;
  std::unique_ptr<grpc::Server> server_;
};

absl::StatusOr<std::shared_ptr<VmServer>> VmServer::Listen(Deps deps,
                                                           std::shared_ptr<Endpoint> endpoint,
                                                           Options options) {
  BPMP_ASSIGN_OR_RETURN(UnixSocket socket, UnixSocket::Listen(options.socket, options.owner));
  std::shared_ptr<VmServer> server(
      new VmServer(std::move(deps), std::move(endpoint), std::move(options), std::move(socket)));
  MutexLock lock(&server->mutex_);
  // Close() forgets the watch, so that the plain pointer is good for as long as it is used.
  server->listening_ = server->deps_.guest.acceptor->Listen(
      server->socket_.fd(),
      [self = server.get()](UniqueFd connection) { self->OnConnection(std::move(connection)); });
  return server;
}

VmServer::VmServer(Deps deps, std::shared_ptr<Endpoint> endpoint, Options options,
                   UnixSocket socket)
    : deps_(std::move(deps)),
      endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      hides_ids_(std::make_shared<std::atomic<bool>>(options_.hide_ids)),
      socket_(std::move(socket)) {}

VmServer::~VmServer() { Close(); }

void VmServer::OnConnection(UniqueFd connection) {
  auto peer = Peer::OfSocket(connection.get());
  if (!peer.ok()) return;  // it has gone again
  if (const absl::Status allowed = CheckPeer(**peer, options_.rule, deps_.proc_root);
      !allowed.ok()) {
    return Refuse(allowed);
  }
  absl::Status status;
  {
    MutexLock lock(&mutex_);
    if (closed_) return;
    status = CountConnection(connection.get());
    if (status.ok()) {
      auto server = ServerOf(*std::move(peer));
      status = server.status();
      if (server.ok()) (*server)->Serve(std::move(connection));
    }
  }
  if (!status.ok()) Refuse(status);
}

absl::StatusOr<VmServer::PeerServer*> VmServer::ServerOf(std::shared_ptr<const Peer> peer) {
  for (const auto& server : servers_) {
    if (SameClient(*server->peer(), *peer)) return server.get();
  }
  if (servers_.size() >= kMaxProcesses) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "refused ", peer->ToString(), ": ", kMaxProcesses, " other processes are connected"));
  }
  auto made = std::make_unique<PeerServer>(deps_.guest, endpoint_, peer, hides_ids_);
  if (!made->started()) return absl::InternalError("gRPC could not start a server");
  if (peer->visible()) {
    made->watch =
        deps_.guest.acceptor->WhenReadable(peer->pidfd(), [weak = weak_from_this(), peer] {
          if (const auto self = weak.lock()) self->OnGone(peer);
        });
  }
  servers_.push_back(std::move(made));
  return servers_.back().get();
}

absl::Status VmServer::CountConnection(int fd) {
  if (connections_.size() >= kMaxConnections) {
    connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                      [](const Connection& connection) {
                                        return SocketOf(connection.fd) != connection.socket;
                                      }),
                       connections_.end());
  }
  if (connections_.size() >= kMaxConnections) {
    return absl::ResourceExhaustedError(
        absl::StrCat("refused a connection: ", kMaxConnections, " are open"));
  }
  connections_.push_back({fd, SocketOf(fd)});
  return absl::OkStatus();
}

void VmServer::Refuse(const absl::Status& why) {
  deps_.guest.events->Add(event_kind::kSessionRefused, endpoint_->vm, std::string(why.message()));
}

void VmServer::OnGone(const std::shared_ptr<const Peer>& peer) {
  deps_.guest.sessions->PeerGone(endpoint_->vm, peer.get());
  RemoveUnlessConnected(peer);
}

void VmServer::RemoveUnlessConnected(const std::shared_ptr<const Peer>& peer) {
  // gRPC may not have seen yet that the process's end closed the connection; or a process that the
  // first gave its descriptor to goes on with the session.
  if (deps_.guest.sessions->Connected(endpoint_->vm, peer.get())) {
    deps_.guest.acceptor->After(kHeirCheck, [weak = weak_from_this(), peer] {
      if (const auto self = weak.lock()) self->RemoveUnlessConnected(peer);
    });
    return;
  }
  std::unique_ptr<PeerServer> gone;
  {
    MutexLock lock(&mutex_);
    const auto it = std::find_if(servers_.begin(), servers_.end(),
                                 [&](const auto& server) { return server->peer() == peer; });
    if (it == servers_.end()) return;
    gone = std::move(*it);
    servers_.erase(it);
  }
  gone->leases().EndAll();
  Reap(std::move(gone));
}

void VmServer::Reap(std::unique_ptr<PeerServer> server) {
  deps_.reaper->Run([server = std::move(server)] {});
}

void VmServer::Close() {
  Acceptor::WatchId listening = 0;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    listening = std::exchange(listening_, 0);
  }
  // Waits for a connection that is being looked at; no other comes.
  deps_.guest.acceptor->Forget(listening);
  std::vector<std::unique_ptr<PeerServer>> servers;
  {
    MutexLock lock(&mutex_);
    socket_.Close();
    servers.swap(servers_);
  }
  for (auto& server : servers) {
    deps_.guest.acceptor->Forget(server->watch);
    // The VM is deleted, which releases it, or the broker stops, which releases nothing.
    server->leases().Abandon();
    Reap(std::move(server));
  }
}

}  // namespace bpmp::service
