// SPDX-License-Identifier: Apache-2.0
#include "broker/service/guest_service.h"

#include "broker/service/status.h"
#include "broker/service/transfer_reactor.h"

namespace bpmp::service {
namespace {

// A stream of somebody who may not have one.
class RefusedStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit RefusedStream(const absl::Status& why) { Finish(ToGrpc(why)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* GuestService::Session(
    grpc::CallbackServerContext* context) {
  auto caller = caller_of_(*context);
  if (!caller.ok()) return new RefusedStream(caller.status());
  return SessionReactor::Start(deps_, *std::move(caller), context);
}

grpc::ServerUnaryReactor* GuestService::Transfer(grpc::CallbackServerContext* context,
                                                 const v1::TransferRequest* request,
                                                 v1::TransferResponse* response) {
  auto caller = caller_of_(*context);
  if (!caller.ok()) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(caller.status()));
    return reactor;
  }
  return TransferReactor::Start(deps_, *std::move(caller), *context, *request,
                                response->mutable_response());
}

}  // namespace bpmp::service
