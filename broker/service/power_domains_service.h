// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_POWER_DOMAINS_SERVICE_H_
#define BROKER_SERVICE_POWER_DOMAINS_SERVICE_H_

#include "bpmp/v1/power_domains.grpc.pb.h"
#include "broker/service/typed_caller.h"

namespace bpmp::service {

// bpmp.v1.PowerDomains of the calling VM. The RPCs are documented in power_domains.proto.
// Thread-safe.
class PowerDomainsService final : public v1::PowerDomains::CallbackService {
 public:
  // `caller` is not owned.
  explicit PowerDomainsService(TypedCaller* caller) : caller_(caller) {}

  grpc::ServerUnaryReactor* ListPowerDomains(grpc::CallbackServerContext* context,
                                             const v1::ListPowerDomainsRequest* request,
                                             v1::ListPowerDomainsResponse* response) override;
  grpc::ServerUnaryReactor* PowerOn(grpc::CallbackServerContext* context,
                                    const v1::PowerOnRequest* request,
                                    v1::PowerOnResponse* response) override;
  grpc::ServerUnaryReactor* PowerOff(grpc::CallbackServerContext* context,
                                     const v1::PowerOffRequest* request,
                                     v1::PowerOffResponse* response) override;

 private:
  grpc::ServerUnaryReactor* Set(grpc::CallbackServerContext* context, mrq::PgState state,
                                const v1::ResourceRef& domain, v1::Outcome* outcome,
                                v1::Lease lease);

  TypedCaller* const caller_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_POWER_DOMAINS_SERVICE_H_
