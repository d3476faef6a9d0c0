// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_CLOCKS_SERVICE_H_
#define BROKER_SERVICE_CLOCKS_SERVICE_H_

#include "bpmp/v1/clocks.pb.h"
#include "broker/service/typed_caller.h"
#include "broker/service/unary_call.h"

namespace bpmp::service {

// The methods of bpmp.v1.Clocks, for the VM that calls; documented in clocks.proto. Each leads to
// one Answer() of its call. Thread-safe.
void ListClocks(TypedCaller& caller, UnaryCall* rpc, const v1::ListClocksRequest& request,
                v1::ListClocksResponse* response);
void GetClock(TypedCaller& caller, UnaryCall* rpc, const v1::GetClockRequest& request,
              v1::GetClockResponse* response);
void EnableClock(TypedCaller& caller, UnaryCall* rpc, const v1::EnableClockRequest& request,
                 v1::EnableClockResponse* response);
void DisableClock(TypedCaller& caller, UnaryCall* rpc, const v1::DisableClockRequest& request,
                  v1::DisableClockResponse* response);
void SetRate(TypedCaller& caller, UnaryCall* rpc, const v1::SetRateRequest& request,
             v1::SetRateResponse* response);
void SetRateRange(TypedCaller& caller, UnaryCall* rpc, const v1::SetRateRangeRequest& request,
                  v1::SetRateRangeResponse* response);
void RoundRate(TypedCaller& caller, UnaryCall* rpc, const v1::RoundRateRequest& request,
               v1::RoundRateResponse* response);
void SetParent(TypedCaller& caller, UnaryCall* rpc, const v1::SetParentRequest& request,
               v1::SetParentResponse* response);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_CLOCKS_SERVICE_H_
