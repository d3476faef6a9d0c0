// SPDX-License-Identifier: Apache-2.0
#include "tests/component/admin_fixture.h"

#include "broker/backend/sim/fault.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

constexpr char kVms[] = R"pb(
  vms {
    name: "serial-vm"
    devices { device: "uarta" }
  }
  vms {
    name: "video-vm"
    devices { device: "vic" }
  }
  vms {
    name: "voter-vm"
    clocks { name: "uarta" access: ACCESS_VOTE }
  }
  vms {
    name: "hidden-vm"
    clocks { name: "i2c1" access: ACCESS_VOTE }
    ids: HIDDEN
  }
)pb";

}  // namespace

AdminFixture::AdminFixture(const std::string& more) : broker_(kVms + more) {}

std::unique_ptr<v1::Admin::Stub> AdminFixture::Admin() const {
  return v1::Admin::NewStub(ConnectTo(broker_.admin_socket()));
}
std::unique_ptr<v1::Clocks::Stub> AdminFixture::Clocks(const std::string& vm) const {
  return v1::Clocks::NewStub(ConnectTo(broker_.socket(vm)));
}
std::unique_ptr<v1::Resets::Stub> AdminFixture::Resets(const std::string& vm) const {
  return v1::Resets::NewStub(ConnectTo(broker_.socket(vm)));
}
std::unique_ptr<v1::PowerDomains::Stub> AdminFixture::PowerDomains(const std::string& vm) const {
  return v1::PowerDomains::NewStub(ConnectTo(broker_.socket(vm)));
}

v1::Outcome AdminFixture::Enable(const std::string& vm, const v1::ResourceRef& clock) const {
  v1::EnableClockResponse response;
  const grpc::Status status = Call(*Clocks(vm), &v1::Clocks::Stub::EnableClock, &response,
                                   [&](auto* request) { *request->mutable_clock() = clock; });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.outcome();
}

v1::Outcome AdminFixture::Disable(const std::string& vm, const v1::ResourceRef& clock) const {
  v1::DisableClockResponse response;
  const grpc::Status status = Call(*Clocks(vm), &v1::Clocks::Stub::DisableClock, &response,
                                   [&](auto* request) { *request->mutable_clock() = clock; });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.outcome();
}

v1::Vm AdminFixture::Get(const std::string& vm) const {
  v1::Vm found;
  const grpc::Status status = Call(*Admin(), &v1::Admin::Stub::GetVm, &found,
                                   [&](auto* request) { request->set_name(vm); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return found;
}

v1::ResourceState AdminFixture::Get(const v1::ResourceRef& ref) const {
  v1::ResourceState found;
  const grpc::Status status = Call(*Admin(), &v1::Admin::Stub::GetResource, &found,
                                   [&](auto* request) { *request->mutable_resource() = ref; });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return found;
}

bool AdminFixture::Enabled(ClockId clock) {
  return broker_.sim().WithModel([=](auto& model) { return model.IsEnabled(clock); });
}
bool AdminFixture::Powered(DomainId domain) {
  return broker_.sim().WithModel([=](auto& model) { return model.DomainOn(domain); });
}
int64_t AdminFixture::Rate(ClockId clock) {
  return broker_.sim().WithModel([=](auto& model) { return model.Rate(clock); });
}

void AdminFixture::AddFault(const std::string& fault) {
  const auto parsed = backend::sim::ParseFault(fault);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  broker_.sim().AddFault(*parsed);
}

v1::ResourceRef Named(const std::string& name, v1::ResourceKind kind) {
  v1::ResourceRef ref;
  ref.set_kind(kind);
  ref.set_name(name);
  return ref;
}

v1::ResourceRef WithId(uint32_t id, v1::ResourceKind kind) {
  v1::ResourceRef ref;
  ref.set_kind(kind);
  ref.set_id(id);
  return ref;
}

}  // namespace bpmp::testing
