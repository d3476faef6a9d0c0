// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_CLOCKS_SERVICE_H_
#define BROKER_SERVICE_CLOCKS_SERVICE_H_

#include <cstdint>
#include <optional>

#include "bpmp/v1/clocks.grpc.pb.h"
#include "broker/service/typed_caller.h"

namespace bpmp::service {

// bpmp.v1.Clocks of the calling VM. The RPCs are documented in clocks.proto. Thread-safe.
class ClocksService final : public v1::Clocks::CallbackService {
 public:
  // `caller` is not owned.
  explicit ClocksService(TypedCaller* caller) : caller_(caller) {}

  grpc::ServerUnaryReactor* ListClocks(grpc::CallbackServerContext* context,
                                       const v1::ListClocksRequest* request,
                                       v1::ListClocksResponse* response) override;
  grpc::ServerUnaryReactor* GetClock(grpc::CallbackServerContext* context,
                                     const v1::GetClockRequest* request,
                                     v1::GetClockResponse* response) override;
  grpc::ServerUnaryReactor* EnableClock(grpc::CallbackServerContext* context,
                                        const v1::EnableClockRequest* request,
                                        v1::EnableClockResponse* response) override;
  grpc::ServerUnaryReactor* DisableClock(grpc::CallbackServerContext* context,
                                         const v1::DisableClockRequest* request,
                                         v1::DisableClockResponse* response) override;
  grpc::ServerUnaryReactor* SetRate(grpc::CallbackServerContext* context,
                                    const v1::SetRateRequest* request,
                                    v1::SetRateResponse* response) override;
  grpc::ServerUnaryReactor* SetRateRange(grpc::CallbackServerContext* context,
                                         const v1::SetRateRangeRequest* request,
                                         v1::SetRateRangeResponse* response) override;
  grpc::ServerUnaryReactor* RoundRate(grpc::CallbackServerContext* context,
                                      const v1::RoundRateRequest* request,
                                      v1::RoundRateResponse* response) override;
  grpc::ServerUnaryReactor* SetParent(grpc::CallbackServerContext* context,
                                      const v1::SetParentRequest* request,
                                      v1::SetParentResponse* response) override;

 private:
  // SetRate, SetRateRange and RoundRate differ in the command and its arguments only.
  struct RateArguments {
    mrq::ClkCmd command = mrq::ClkCmd::kSetRate;
    int64_t rate_hz = 0;
    std::optional<int64_t> max_rate_hz;
  };
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Rate(grpc::CallbackServerContext* context, RateArguments arguments,
                                 const Request& request, Response* response);

  TypedCaller* const caller_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_CLOCKS_SERVICE_H_
