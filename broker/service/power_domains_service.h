// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_POWER_DOMAINS_SERVICE_H_
#define BROKER_SERVICE_POWER_DOMAINS_SERVICE_H_

#include "bpmp/v1/power_domains.pb.h"
#include "broker/service/typed_caller.h"
#include "broker/service/unary_call.h"

namespace bpmp::service {

// The methods of bpmp.v1.PowerDomains, for the VM that calls; documented in power_domains.proto.
// Each leads to one Answer() of its call. Thread-safe.
void ListPowerDomains(TypedCaller& caller, UnaryCall* rpc,
                      const v1::ListPowerDomainsRequest& request,
                      v1::ListPowerDomainsResponse* response);
void PowerOn(TypedCaller& caller, UnaryCall* rpc, const v1::PowerOnRequest& request,
             v1::PowerOnResponse* response);
void PowerOff(TypedCaller& caller, UnaryCall* rpc, const v1::PowerOffRequest& request,
              v1::PowerOffResponse* response);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_POWER_DOMAINS_SERVICE_H_
