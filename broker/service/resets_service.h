// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_RESETS_SERVICE_H_
#define BROKER_SERVICE_RESETS_SERVICE_H_

#include "bpmp/v1/resets.pb.h"
#include "broker/service/typed_caller.h"
#include "broker/service/unary_call.h"

namespace bpmp::service {

// The methods of bpmp.v1.Resets, for the VM that calls; documented in resets.proto. Each leads to
// one Answer() of its call. Thread-safe.
void ListResets(TypedCaller& caller, UnaryCall* rpc, const v1::ListResetsRequest& request,
                v1::ListResetsResponse* response);
void AssertReset(TypedCaller& caller, UnaryCall* rpc, const v1::AssertResetRequest& request,
                 v1::AssertResetResponse* response);
void DeassertReset(TypedCaller& caller, UnaryCall* rpc, const v1::DeassertResetRequest& request,
                   v1::DeassertResetResponse* response);
void PulseReset(TypedCaller& caller, UnaryCall* rpc, const v1::PulseResetRequest& request,
                v1::PulseResetResponse* response);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_RESETS_SERVICE_H_
