// SPDX-License-Identifier: Apache-2.0
#include "broker/service/self_probe.h"

#include <grpcpp/client_context.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

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
  Done done;
};

SelfProbe::SelfProbe(const GuestDeps& deps) : guest_(deps, TheHost()) {
  grpc::ServerBuilder builder;
  ConfigureGuestServer(&builder);
  builder.RegisterService(&guest_);
  server_ = builder.BuildAndStart();
  if (server_ != nullptr) {
    stub_ = v1::Guest::NewStub(server_->InProcessChannel(grpc::ChannelArguments()));
  }
}

SelfProbe::~SelfProbe() {
  if (server_ == nullptr) return;
  Shutdown();
  server_->Wait();
}

void SelfProbe::Shutdown() {
  // A call on the channel of a server that was shut down crashes in gRPC 1.51.
  stub_ = nullptr;
  if (server_ != nullptr) server_->Shutdown(absl::ToChronoTime(absl::Now()));
}

void SelfProbe::Ask(absl::Duration timeout, Done done) {
  if (stub_ == nullptr) return done(false);
  mrq::PingRequest ping;
  ping.challenge = ++challenge_;
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(ping);
  auto call = std::make_shared<Call>();
  call->done = std::move(done);
  call->context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  v1::MrqRequest* const request = call->request.mutable_request();
  request->set_mrq(encoded.mrq);
  request->set_tx(encoded.data.data(), encoded.size);
  request->set_rx_size(kAnswerSize);
  Call* const at = call.get();
  stub_->async()->Transfer(
      &at->context, &at->request, &at->response,
      [call = std::move(call), challenge = ping.challenge](const grpc::Status& status) {
        call->done(status.ok() && IsAnswer(call->response.response(), challenge));
      });
}

}  // namespace bpmp::service
