// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_COMPONENT_ADMIN_FIXTURE_H_
#define TESTS_COMPONENT_ADMIN_FIXTURE_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "bpmp/v1/admin.grpc.pb.h"
#include "bpmp/v1/clocks.grpc.pb.h"
#include "bpmp/v1/power_domains.grpc.pb.h"
#include "bpmp/v1/resets.grpc.pb.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {

// Ids of the Tegra234.
inline constexpr ClockId kUarta{155}, kPllpOut0{102}, kClkM{14}, kI2c1{48}, kVic{167};
inline constexpr DomainId kVicDomain{29};
inline constexpr ResetId kUartaReset{100};

// A broker with these VMs, and clients for its APIs:
//
//   serial-vm  device uarta: its clock and reset, a vote on pllp_out0
//   video-vm   device vic: clock, reset, power domain
//   voter-vm   a vote on clock uarta
//   hidden-vm  a vote on clock i2c1, and names of nothing else
class AdminFixture : public ::testing::Test {
 protected:
  // `more` is further configuration, in text format.
  explicit AdminFixture(const std::string& more = "");

  std::unique_ptr<v1::Admin::Stub> Admin() const;
  std::unique_ptr<v1::Clocks::Stub> Clocks(const std::string& vm) const;
  std::unique_ptr<v1::Resets::Stub> Resets(const std::string& vm) const;
  std::unique_ptr<v1::PowerDomains::Stub> PowerDomains(const std::string& vm) const;

  // One vote of a VM, by clock name.
  v1::Outcome Enable(const std::string& vm, const v1::ResourceRef& clock) const;
  v1::Outcome Disable(const std::string& vm, const v1::ResourceRef& clock) const;

  // A VM, or a resource, as the broker shows it.
  v1::Vm Get(const std::string& vm) const;
  v1::ResourceState Get(const v1::ResourceRef& ref) const;

  // What is true of the hardware.
  bool Enabled(ClockId clock);
  bool Powered(DomainId domain);
  int64_t Rate(ClockId clock);
  void AddFault(const std::string& fault);

  TestBroker broker_;
};

v1::ResourceRef Named(const std::string& name,
                      v1::ResourceKind kind = v1::RESOURCE_KIND_UNSPECIFIED);
v1::ResourceRef WithId(uint32_t id, v1::ResourceKind kind = v1::RESOURCE_KIND_UNSPECIFIED);

// A unary call of a stub, with a request that `fill` fills in:
//   Call(*Admin(), &v1::Admin::Stub::GetVm, &vm, [](auto* r) { r->set_name("a"); })
template <typename Stub, typename Request, typename Response, typename Fill>
grpc::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  Response* response, Fill fill) {
  grpc::ClientContext context;
  Request request;
  fill(&request);
  response->Clear();
  return (stub.*method)(&context, request, response);
}

}  // namespace bpmp::testing

#endif  // TESTS_COMPONENT_ADMIN_FIXTURE_H_
