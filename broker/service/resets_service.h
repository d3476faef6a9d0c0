// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_RESETS_SERVICE_H_
#define BROKER_SERVICE_RESETS_SERVICE_H_

#include "bpmp/v1/resets.grpc.pb.h"
#include "broker/service/typed_caller.h"

namespace bpmp::service {

// bpmp.v1.Resets of the calling VM. The RPCs are documented in resets.proto. Thread-safe.
class ResetsService final : public v1::Resets::CallbackService {
 public:
  // `caller` is not owned.
  explicit ResetsService(TypedCaller* caller) : caller_(caller) {}

  grpc::ServerUnaryReactor* ListResets(grpc::CallbackServerContext* context,
                                       const v1::ListResetsRequest* request,
                                       v1::ListResetsResponse* response) override;
  grpc::ServerUnaryReactor* AssertReset(grpc::CallbackServerContext* context,
                                        const v1::AssertResetRequest* request,
                                        v1::AssertResetResponse* response) override;
  grpc::ServerUnaryReactor* DeassertReset(grpc::CallbackServerContext* context,
                                          const v1::DeassertResetRequest* request,
                                          v1::DeassertResetResponse* response) override;
  grpc::ServerUnaryReactor* PulseReset(grpc::CallbackServerContext* context,
                                       const v1::PulseResetRequest* request,
                                       v1::PulseResetResponse* response) override;

 private:
  grpc::ServerUnaryReactor* Drive(grpc::CallbackServerContext* context, mrq::ResetCmd command,
                                  const v1::ResourceRef& reset, v1::Outcome* outcome);

  TypedCaller* const caller_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_RESETS_SERVICE_H_
