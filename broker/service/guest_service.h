// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_GUEST_SERVICE_H_
#define BROKER_SERVICE_GUEST_SERVICE_H_

#include <utility>

#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/service/caller.h"
#include "broker/service/session_reactor.h"

namespace bpmp::service {

// bpmp.v1.Guest, for the callers that `caller_of` names. Thread-safe. What it started may outlive
// it; `deps` outlive that.
class GuestService final : public v1::Guest::WithRawCallbackMethod_Session<
                               v1::Guest::WithCallbackMethod_Transfer<v1::Guest::Service>> {
 public:
  GuestService(const GuestDeps& deps, CallerOf caller_of)
      : deps_(deps), caller_of_(std::move(caller_of)) {}

  // In bytes, which the reactor parses itself.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Session(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Transfer(grpc::CallbackServerContext* context,
                                     const v1::TransferRequest* request,
                                     v1::TransferResponse* response) override;

 private:
  const GuestDeps deps_;
  const CallerOf caller_of_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_GUEST_SERVICE_H_
