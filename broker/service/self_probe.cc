// SPDX-License-Identifier: Apache-2.0
#include "broker/service/self_probe.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "broker/mrq/codec.h"
#include "broker/service/caller.h"
#include "broker/service/peer.h"
#include "broker/service/server_common.h"

namespace bpmp::service {
namespace {

constexpr uint32_t kAnswerSize = 4;

CallerOf TheHost() {
  auto endpoint =
      std::make_shared<Endpoint>(kHost, "host", absl::ZeroDuration(), Limits(), &MonotonicClock());
  return [caller = Caller{std::move(endpoint),
                          Peer::Remote("the broker itself", "a channel of its own")}](
             const grpc::CallbackServerContext&) -> absl::StatusOr<Caller> { return caller; };
}

bool IsAnswer(const v1::MrqResponse& response, uint32_t challenge) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(response.rx().data());
  const absl::StatusOr<uint32_t> reply =
      mrq::ReadU32(mrq::FromBytes(response.error(), {bytes, response.rx().size()}));
  return response.error() == 0 && reply.ok() && *reply == challenge << 1;
}

}  // namespace

// gRPC's client needs all of it until it calls back.
struct SelfProbe::Call {
  grpc::ClientContext context;
  v1::TransferRequest request;
  v1::TransferResponse response;
  uint32_t challenge = 0;
  Done done;
};

SelfProbe::SelfProbe(const GuestDeps& deps) : guest_(deps, TheHost()) {
  grpc::ServerBuilder builder;
  ConfigureGuestServer(&builder);
  builder.RegisterService(&guest_);
  server_ = builder.BuildAndStart();
}

SelfProbe::~SelfProbe() {
  Shutdown();
  {
    MutexLock lock(&mutex_);
    while (running_) idle_.Wait(&mutex_);
  }
  if (server_ != nullptr) server_->Wait();
}

void SelfProbe::Connect() {
  {
    MutexLock lock(&mutex_);
    if (std::exchange(broken_, false)) stub_ = nullptr;
  }
  if (stub_ != nullptr || server_ == nullptr || stopped_) return;
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) return;
  grpc::AddInsecureChannelFromFd(server_.get(), ends[0]);
  stub_ = v1::Guest::NewStub(grpc::CreateInsecureChannelFromFd("the broker itself", ends[1]));
}

void SelfProbe::Shutdown() {
  stopped_ = true;
  stub_ = nullptr;
  if (server_ != nullptr) server_->Shutdown(absl::ToChronoTime(absl::Now()));
}

void SelfProbe::Ask(absl::Duration timeout, Done done) {
  Connect();
  if (stub_ == nullptr) return done(false);
  {
    MutexLock lock(&mutex_);
    running_ = true;
  }
  mrq::PingRequest ping;
  ping.challenge = call_ == nullptr ? 1 : call_->challenge + 1;
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(ping);
  call_ = std::make_unique<Call>();
  call_->challenge = ping.challenge;
  call_->done = std::move(done);
  call_->context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  v1::MrqRequest* const request = call_->request.mutable_request();
  request->set_mrq(encoded.mrq);
  request->set_tx(encoded.data.data(), encoded.size);
  request->set_rx_size(kAnswerSize);
  stub_->async()->Transfer(&call_->context, &call_->request, &call_->response,
                           [this](const grpc::Status& status) { OnAnswer(status); });
}

void SelfProbe::OnAnswer(const grpc::Status& status) {
  const bool answered = status.ok() && IsAnswer(call_->response.response(), call_->challenge);
  Done done = std::move(call_->done);
  {
    MutexLock lock(&mutex_);
    running_ = false;
    broken_ = !status.ok();
    idle_.SignalAll();
  }
  // The call, and the probe itself, may be gone from here on.
  done(answered);
}

}  // namespace bpmp::service
